import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../../cluster/exchange.ts'

const clients = 20

/** Sends a request for each item, by 20 clients at a time. */
export async function byClients<T>(
  items: readonly T[],
  request: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values()
  const client = async () => {
    for (const item of left) await patiently(() => request(item))
  }
  await Promise.all(Array.from({ length: clients }, client))
}

async function patiently(call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call()
      return
    } catch (error) {
      if (!isPassing(error)) throw error
      await sleep(1000)
    }
  }
}

/** The API server has too many requests, or a webhook did not answer in time, as on a busy machine. */
const isPassing = (error: unknown): boolean =>
  codeOf(error) === 429 || /failed calling webhook/.test(String(error))

/** The path of a collection of the API server. */
export const collectionOf = (apiVersion: string, namespace: string, plural: string): string =>
  `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/namespaces/${namespace}/${plural}`
