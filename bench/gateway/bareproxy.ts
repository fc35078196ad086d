import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'

/** A proxy that looks at nothing: as little as one on Node can do, with the library of the gateway. */
const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`, {
  connections: null,
  headersTimeout: 0,
  bodyTimeout: 0,
})
const server = createServer((req, res) => {
  const leaving = new AbortController()
  res.on('close', () => leaving.abort())
  pool
    .stream(
      {
        method: 'POST',
        path: req.url ?? '/',
        headers: req.headers,
        body: req,
        signal: leaving.signal,
      },
      ({ statusCode, headers }) => res.writeHead(statusCode, headers),
    )
    .catch(() => res.destroy())
})
server.keepAliveTimeout = 95_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit(0))
