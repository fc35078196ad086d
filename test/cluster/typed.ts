import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { modulePath } from '../../terminal/root.ts'

/** `up` and `down` as a person types them, in a folder of their own. */

interface Started {
  readonly child: ChildProcess
  readonly said: () => string
  readonly code: Promise<number | string | null>
  readonly untilSaid: (words: string, seconds?: number) => Promise<void>
}

export function ownFolder() {
  const home = mkdtempSync(join(tmpdir(), 'substratus-up-'))
  const dir = join(home, 'up')

  const start = (command: 'up' | 'down', ...args: readonly string[]): Started => {
    const child = spawn(process.execPath, [
      modulePath('platform/main'),
      command,
      '--dir',
      dir,
      ...args,
    ])
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data) => {
        text += data
      })
    const code = new Promise<number | string | null>((done) =>
      child.on('close', (code, signal) => done(code ?? signal)),
    )
    const untilSaid = async (words: string, seconds = 60) => {
      const end = Date.now() + seconds * 1000
      while (!text.includes(words)) {
        if (Date.now() > end) throw new Error(`never said "${words}":\n${text}`)
        await sleep(20)
      }
    }
    return { child, said: () => text, code, untilSaid }
  }

  return {
    home,
    dir,
    start,
    run: async (command: 'up' | 'down', ...args: readonly string[]) => {
      const started = start(command, ...args)
      return { code: await started.code, said: started.said() }
    },
    /** Command lines that name the folder: whatever `up` left running. */
    processes: (): readonly string[] =>
      execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes(dir)),
    remove: () => rmSync(home, { recursive: true }),
  }
}
