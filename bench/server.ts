import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { app } from '../server/app.ts'
import { logger } from '../server/log.ts'
import { metrics } from '../server/metrics.ts'
import { progressHandler, progressServer, reportingAt } from '../server/progress.ts'
import { reportsInMemory } from '../server/reports.ts'
import { aConfig } from '../test/objects.ts'
import { benchKey, cases } from './cases.ts'

/**
 * The servers to compare, in a separate process: ours, which logs to /dev/null so that only the
 * formatting of log lines is measured, and a bare one that parses each body and sends the same response.
 */
const measured = metrics()
const keys = () => [benchKey]
const reports = reportsInMemory({
  steady: () => performance.now(),
  now: () => new Date().toISOString().replace(/\.[0-9]+Z$/, 'Z'),
})
const ours = app({
  config: aConfig(),
  log: logger('/dev/null'),
  metrics: measured,
  progress: { reporting: reportingAt('http://substratus.substratus.svc:8090', keys), reports },
})
const progress = progressServer(progressHandler({ keys, reports, metrics: measured }))
progress.listen(0, '127.0.0.1')
await new Promise((resolve) => progress.once('listening', resolve))

const bare = express()
bare.disable('x-powered-by')
bare.disable('etag')

const listening = async (handler: express.Express): Promise<number> => {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

const oursAt = await listening(ours)
for (const { path, body } of cases()) {
  const answer = await fetch(`http://127.0.0.1:${oursAt}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
  const same = await answer.json()
  bare.post(path, express.json({ limit: '7mb' }), (_req, res) => {
    res.json(same)
  })
}
process.send?.({
  ours: oursAt,
  bare: await listening(bare),
  progress: (progress.address() as AddressInfo).port,
})
process.on('message', async () => {
  const { values } = await measured.reports.get()
  process.send?.(values.find(({ labels }) => labels.code === 200)?.value ?? 0)
})
process.once('disconnect', () => process.exit(0))
