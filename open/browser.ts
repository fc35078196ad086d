import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { browserCommand } from './address.ts'

export interface OneTimeAddress {
  readonly address: string
  readonly close: () => void
}

/**
 * An address that redirects to another one, once. A browser gets its address as an argument, which
 * every user of this machine can read, so it must not contain the token.
 */
export async function oneTimeAddressFor(address: string): Promise<OneTimeAddress> {
  const secret = randomBytes(16).toString('hex')
  let used = false
  const server = createServer((request, response) => {
    const opens = !used && request.method === 'GET' && request.url === `/${secret}`
    response.setHeader('cache-control', 'no-store')
    response.setHeader('connection', 'close')
    if (!opens) return void response.writeHead(404).end()
    used = true
    response.writeHead(302, { location: address, 'referrer-policy': 'no-referrer' }).end()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}/${secret}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** How long to wait for an error of the program that starts the browser. */
const timeoutMilliseconds = 3000

/** Resolves when a browser has been started; rejects if that fails. */
export const browse = (address: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const [program, ...args] = browserCommand(process.platform, address)
    const child = spawn(program, args, { stdio: 'ignore', detached: true, shell: false })
    child.unref()
    child.on('error', ({ message }) => reject(new Error(message)))
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with exit code ${code}`)),
    )
    // A program that becomes the browser itself does not end.
    setTimeout(resolve, timeoutMilliseconds).unref()
  })
