/** Whether somebody sees the page: a browser has few connections to one address, for all tabs together. */

const event = 'visibilitychange'

/** The page's tab. */
type Tab = EventTarget & { readonly hidden: boolean }

/** Resolves once the tab is shown, at once if it is. */
export const shown = (tab: Tab): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (tab.hidden) return
      tab.removeEventListener(event, look)
      resolve()
    }
    tab.addEventListener(event, look)
    look()
  })

/**
 * Does something for as long as the tab is shown: the signal aborts once it is hidden, or with the other one.
 * Returns whether it was hidden, which is no error.
 */
export async function whileShown(
  tab: Tab,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  const hiding = new AbortController()
  const look = () => tab.hidden && hiding.abort()
  tab.addEventListener(event, look)
  look()
  try {
    await act(AbortSignal.any([signal, hiding.signal]))
  } catch (error) {
    if (!hiding.signal.aborted) throw error
  } finally {
    tab.removeEventListener(event, look)
  }
  return hiding.signal.aborted
}
