export interface Paced {
  readonly wake: () => void
  readonly stop: () => void
}

/** Runs soon after each wake: at once after a pause, and never twice within so many milliseconds. */
export function paced(run: () => void, milliseconds: number): Paced {
  let waiting: ReturnType<typeof setTimeout> | undefined
  let ran = Number.NEGATIVE_INFINITY
  return {
    wake: () => {
      // So that wakes of the same moment are included.
      waiting ??= setTimeout(
        () => {
          waiting = undefined
          ran = performance.now()
          run()
        },
        Math.max(0, ran + milliseconds - performance.now()),
      )
    },
    stop: () => clearTimeout(waiting),
  }
}
