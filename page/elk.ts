import Elk, { type ELK } from 'elkjs/lib/elk-api.js'
// It is compiled already, and answers messages as soon as it is loaded.
import address from 'elkjs/lib/elk-worker.min.js?url'

interface Policy {
  readonly createScriptURL: (url: string) => string
}

/** Of Trusted Types, which TypeScript does not know, and not every browser has. */
const { trustedTypes } = globalThis as {
  readonly trustedTypes?: { readonly createPolicy: (name: string, policy: Policy) => Policy }
}

/** The page's policy refuses every script whose address was not made here. */
const policy = trustedTypes?.createPolicy('worker', { createScriptURL: (url) => url })

/** elkjs in a worker of its own. */
export const elk = (): ELK =>
  new Elk({
    workerFactory: () => new Worker(policy?.createScriptURL(address) ?? address),
  })
