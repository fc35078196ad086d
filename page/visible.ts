/** Whether somebody sees the page: a browser has few connections to one address, for all tabs together. */

const event = 'visibilitychange'

/** Resolves once the tab is shown, at once if it is. */
export const shown = (): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return
      document.removeEventListener(event, look)
      resolve()
    }
    document.addEventListener(event, look)
    look()
  })

/** Does something for as long as the tab is shown; the signal aborts once it is hidden, or with the other one. */
export async function whileShown(
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const hiding = new AbortController()
  const look = () => document.hidden && hiding.abort()
  document.addEventListener(event, look)
  try {
    await act(AbortSignal.any([signal, hiding.signal]))
  } finally {
    document.removeEventListener(event, look)
  }
}
