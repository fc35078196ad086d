import { readFile } from 'node:fs/promises'
import { request } from 'node:https'

/** The status code of an HTTPS server with a certificate of our CA; undefined if it does not respond. */
export async function statusOf(url: string, ca: string): Promise<number | undefined> {
  const certificate = await readFile(ca).catch(() => undefined)
  if (!certificate) return undefined
  return new Promise((resolve) => {
    const call = request(url, { ca: certificate, timeout: 2000, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
    call.end()
  })
}
