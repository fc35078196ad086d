import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

const body = JSON.stringify({
  parent: {
    apiVersion: 'substratus.ai/v1',
    kind: 'Model',
    metadata: { name: 'm' },
    spec: { image: 'example.com/m' },
  },
})

interface Exchange {
  /** A status code or an error code. */
  readonly outcome: string
  /** Whether the connection had been used before. */
  readonly reused: boolean
  readonly closes: boolean
}

/** One request on the agent's connection: its status, or the error that a caller would see. */
const ask = (url: string, agent: Agent) =>
  new Promise<Exchange>((resolve) => {
    const headers = { 'content-type': 'application/json' }
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume()
      answer.on('end', () =>
        resolve({
          outcome: String(answer.statusCode),
          reused: sent.reusedSocket,
          closes: answer.headers.connection === 'close',
        }),
      )
    })
    sent.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ outcome: error.code ?? error.message, reused: sent.reusedSocket, closes: true }),
    )
    sent.end(body)
  })

test('a server that stops interrupts no request: first it announces that it closes the connection', async () => {
  const child = spawn(process.execPath, ['cli/main.ts', 'serve', '--http', '127.0.0.1:0'])
  try {
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk
    })
    while (!log.includes('"url"')) await once(child.stderr, 'data')
    const url = `${/"url":"([^"]+)"/.exec(log)?.[1]}/hooks/models/sync`
    const ended = once(child, 'exit')
    // As many callers as the API server and Metacontroller have connections, without a pause.
    const exchanges = Array.from({ length: 8 }, (): Exchange[] => [])
    const callers = exchanges.map(async (all) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      // A caller stops when it is told to close: its next request would go to another server.
      do all.push(await ask(url, agent))
      while (!all.at(-1)?.closes)
      agent.destroy()
      return all
    })
    while (exchanges.some(({ length }) => length < 3)) await sleep(20)
    child.kill('SIGTERM')
    const all = (await Promise.all(callers)).flat()
    expect(all.filter(({ outcome }) => outcome !== '200')).toEqual([])
    expect(all.filter(({ closes }) => closes)).toHaveLength(8)
    expect(all.filter(({ reused }) => reused).length).toBeGreaterThan(8)
    expect(await ended).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }
}, 60_000)
