import { execFileSync } from 'node:child_process'
import { until } from '../cluster/cluster.ts'

/** A person's terminal, without a browser: a shell in tmux. */
export function terminal(environment: NodeJS.ProcessEnv) {
  const socket = `substratus-${process.pid}`
  const env = { ...environment, PS1: '$ ', TERM: 'xterm', DISPLAY: '' }
  const tmux = (...words: readonly string[]): string =>
    execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...words], { env, encoding: 'utf8' })
  tmux('new-session', '-d', '-x', '160', '-y', '48', 'bash --norc --noprofile')
  /** All that was shown, with lines joined that the screen has wrapped. */
  const screen = (): string => tmux('capture-pane', '-p', '-J', '-S', '-')
  return {
    screen,
    type: (line: string): void => {
      tmux('send-keys', '-l', line)
      tmux('send-keys', 'Enter')
    },
    press: (key: string): void => {
      tmux('send-keys', key)
    },
    untilShown: (pattern: RegExp, seconds = 60): Promise<string> =>
      until(
        async () => screen(),
        (text) => pattern.test(text),
        seconds,
      ),
    end: (): void => {
      tmux('kill-server')
    },
  }
}
