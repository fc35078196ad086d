import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { root } from '../../terminal/root.ts'
import { apply, manifest, namespace, until } from './cluster.ts'

/**
 * Tab in real shells, each with kubectl's own completion, as docs/command-line.md says: a person types in
 * tmux. Debian has the shells as bash-completion, zsh and fish.
 */

const folder = mkdtempSync(join(tmpdir(), 'substratus-shells-'))
afterAll(() => rmSync(folder, { recursive: true }))

const put = (name: string, text: string, mode = 0o644): void =>
  writeFileSync(join(folder, name), text, { mode })

let ns: string
beforeAll(async () => {
  const { kubectl } = inject('cluster')
  put('kubectl', `#!/bin/sh\nexec ${kubectl} "$@"\n`, 0o755)
  for (const [name, program] of [
    ['kubectl-substratus', 'main.ts'],
    ['kubectl_complete-substratus', 'completemain.ts'],
  ] as const)
    put(name, `#!/bin/sh\nexec ${process.execPath} ${join(root, 'cli', program)} "$@"\n`, 0o755)
  ns = await namespace('shells')
  const image = { image: 'example.com/model' }
  await apply(ns, manifest('Model', 'falcon', image), manifest('Model', 'tiny', image))
  put(
    '.bashrc',
    'PS1="$ "; . /usr/share/bash-completion/bash_completion; . <(kubectl completion bash); echo is ready',
  )
  put(
    '.zshrc',
    'PS1="$ "; autoload -Uz compinit; compinit -u; . <(kubectl completion zsh); echo is ready',
  )
  put(
    'config.fish',
    // Otherwise it would show what Tab has not completed yet.
    'set -g fish_autosuggestion_enabled 0; kubectl completion fish | source; echo is ready',
  )
})

const shells = [
  { shell: 'bash', command: `bash --rcfile ${folder}/.bashrc -i` },
  { shell: 'zsh', command: 'zsh -i' },
  { shell: 'fish', command: `fish --no-config --init-command 'source ${folder}/config.fish'` },
] as const

/** A shell in a terminal. */
function started(shell: string, command: string) {
  const socket = `substratus-${process.pid}-${shell}`
  const env = {
    ...process.env,
    HOME: folder,
    ZDOTDIR: folder,
    XDG_DATA_HOME: folder,
    PATH: `${folder}:${process.env.PATH}`,
    KUBECONFIG: inject('cluster').kubeconfig,
    TERM: 'xterm',
  }
  const tmux = (...words: readonly string[]): string =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...words], { env, encoding: 'utf8' })
  tmux('new-session', '-d', '-x', '160', '-y', '48', command)
  const screen = (): string => tmux('capture-pane', '-p', '-J', '-S', '-')
  return {
    type: (text: string, ...keys: readonly string[]): void => {
      tmux('send-keys', '-l', text)
      tmux('send-keys', ...keys)
    },
    untilShown: (text: string): Promise<string> =>
      until(
        async () => screen(),
        (shown) => shown.includes(text),
        60,
      ),
    end: (): void => void tmux('kill-server'),
  }
}

test.each(shells)(
  'Tab completes commands, kinds, names and flags in $shell',
  async ({ shell, command }) => {
    for (const file of [`/usr/bin/${shell}`, '/usr/share/bash-completion/bash_completion'])
      expect(existsSync(file), `${file} exists`).toBe(true)
    const person = started(shell, command)
    const completes = async (typed: string, into: string): Promise<void> => {
      person.type(`kubectl substratus ${typed}`, 'Tab')
      await person.untilShown(`kubectl substratus ${into}`)
      person.type('', 'C-c')
    }
    try {
      await person.untilShown('is ready')
      await completes('rol', 'rollout')
      await completes('why note', 'why notebook')
      await completes(`why -n ${ns} model fal`, `why -n ${ns} model falcon`)
      await completes(`why -n ${ns} models/ti`, `why -n ${ns} models/tiny`)
      await completes('logs --st', 'logs --stage')
      await completes('tree -n shells-', `tree -n ${ns}`)
      // More than one candidate is listed, with what each does.
      person.type('kubectl substratus re', 'Tab', 'Tab')
      await person.untilShown('rerun')
      await person.untilShown('resume')
    } finally {
      person.end()
    }
  },
)
