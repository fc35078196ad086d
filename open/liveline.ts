import { onOneLine } from '../crds/text.ts'
import { canRedraw, type Output } from '../terminal/screen.ts'

/**
 * One line about the current wait, and lines that remain. All output goes through here. It quotes Pods
 * and the cluster, so everything that a terminal would interpret is removed.
 */
export interface LiveLine {
  /** On a terminal, redraws the line in place every second; elsewhere, writes it when it changes. */
  readonly show: (lineAt: (seconds?: number, width?: number) => string) => void
  /** Writes a line that remains; the wait is over. */
  readonly say: (line: string) => void
  /** Stops drawing in place, because a question is shown there. */
  readonly pause: () => void
}

export function liveLine(output: Output): LiveLine {
  const isInPlace = canRedraw(output)
  let since = 0
  let shown: string | undefined
  let lineAt: ((seconds?: number, width?: number) => string) | undefined
  let isPaused = false
  let clock: NodeJS.Timeout | undefined

  const draw = () => {
    if (!lineAt || isPaused) return
    const seconds = Math.round((Date.now() - since) / 1000)
    output.write(`\r\x1b[K${onOneLine(lineAt(seconds, output.columns))}`)
  }
  const clear = () => {
    clearInterval(clock)
    clock = undefined
    if (isInPlace && lineAt && !isPaused) output.write('\r\x1b[K')
    lineAt = undefined
    shown = undefined
  }
  return {
    show: (line) => {
      if (isPaused) return
      const text = onOneLine(line())
      if (!isInPlace) {
        if (text !== shown) output.write(`${text}\n`)
        shown = text
        return
      }
      if (!lineAt) since = Date.now()
      lineAt = line
      if (text !== shown) draw()
      shown = text
      clock ??= setInterval(draw, 1000).unref()
    },
    say: (line) => {
      clear()
      output.write(`${onOneLine(line)}\n`)
    },
    pause: () => {
      clear()
      isPaused = true
    },
  }
}
