import { refusalOf } from '../cluster/refusal.ts'
import { addressOf, type Jupyter, plain, withoutToken } from './address.ts'
import { type OneTimeAddress, oneTimeAddressFor } from './browser.ts'
import type { LiveLine } from './liveline.ts'
import type { Edges, OpenOptions } from './open.ts'

/** What is connected, and how it is reached. */
export interface Arrival {
  readonly pod: string
  /** The local port. */
  readonly port: number
  readonly jupyter: Jupyter | undefined
  readonly note: string | undefined
}

/** Tells the user the address of the connection, and opens it in the browser if requested. */
export function announcer(
  { target, browser }: Pick<OpenOptions, 'target' | 'browser'>,
  edges: Edges,
  line: LiveLine,
) {
  const isNotebook = target.kind.kind === 'Notebook'
  const oneTimeAddresses: OneTimeAddress[] = []
  let address: string | undefined

  async function announce({ pod, port, jupyter, note }: Arrival): Promise<void> {
    const before = address
    address = addressOf(port, jupyter ?? plain)
    const again = before ? `connected again to Pod "${pod}"` : undefined
    if (address === before) return line.say(`${again}`)
    if (again) line.say(`${again}, which has a token of its own`)
    if (note) line.say(`note: ${note}`)
    if (isNotebook && !jupyter?.token)
      line.say('note: no token of Jupyter was found; the page may ask for a password')
    if (browser) return openBrowser(address)
    line.say('Ctrl-C ends; the address is')
    edges.stdout.write(`${address}\n`)
  }

  async function openBrowser(address: string): Promise<void> {
    const oneTime = address === withoutToken(address) ? undefined : await oneTimeAddressFor(address)
    if (oneTime) oneTimeAddresses.push(oneTime)
    const shown = withoutToken(address)
    try {
      await edges.browse(oneTime?.address ?? address)
      line.say(`${shown} is open in your browser; Ctrl-C ends`)
    } catch (error) {
      const once = oneTime ? `${oneTime.address}, which works once,` : shown
      line.say(`no browser can be started (${refusalOf(error).message}): open ${once} yourself`)
    }
  }

  return {
    announce,
    /** Whether an address has been announced before. */
    wasOpen: () => address !== undefined,
    close: () => {
      for (const oneTime of oneTimeAddresses) oneTime.close()
    },
  }
}
