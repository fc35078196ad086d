import { readFileSync } from 'node:fs'
import { aModel } from '../../test/objects.ts'
import { type Figure, figure, quantile } from '../figures.ts'
import { memoryOf } from '../memory.ts'
import { asFastAsPossible, atRate, type Target } from './clients.ts'
import { largeSync } from './largesync.ts'
import type { Started } from './processes.ts'

/** The server alone, over TLS on connections that stay: its latency, its memory and its event loop. */

const named = { group: 'substratus.ai', version: 'v1' }
const review = JSON.stringify({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { ...named, kind: 'Model' },
    resource: { ...named, resource: 'models' },
    operation: 'CREATE',
    namespace: 'default',
    userInfo: { username: 'admin', groups: ['system:authenticated'] },
    object: aModel({ image: 'example.com/train:1', params: { epochs: 3 } }),
    dryRun: true,
  },
})

const largeSyncs = 40

/** `requests`: how many the server answers before its memory is read. */
export async function alone(
  server: Started,
  ca: string,
  requests: number,
): Promise<readonly Figure[]> {
  const tls = { ca: readFileSync(ca) }
  const validate: Target = { url: server.url, path: '/admission/validate', body: review, tls }
  const sync: Target = { ...validate, path: '/hooks/models/sync', body: largeSync() }
  await atRate(validate, 500, Math.min(requests, 2000))
  const { times } = await atRate(validate, 500, Math.min(requests, 10_000))
  for (let sent = 0; sent < requests; )
    sent += (await asFastAsPossible(validate, 8, { seconds: 5, requests: requests - sent })).times
      .length
  const memory = memoryOf(server.pid)
  // Warm up, so that the JIT has compiled what only large bodies run.
  await asFastAsPossible(sync, 1, { requests: 10 })
  await server.loopDelay()
  // One after the other without a pause, so that no idle time makes the delay look small.
  const large = await asFastAsPossible(sync, 1, { requests: largeSyncs })
  const delay = await server.loopDelay()
  return [
    figure('500 requests/s over TLS: p99', 'ms', quantile(times, 0.99), { below: 10 }),
    figure(`memory after ${requests} requests`, 'MiB', memory, { atMost: 192 }),
    figure('event loop delay while syncs of 5 MiB are handled: p99', 'ms', delay.p99, {
      below: 20,
    }),
    figure('the same, in CPU time: p99', 'ms', delay.cpuP99),
    figure('the same: the longest', 'ms', delay.max),
    figure('a sync of 5 MiB: p50', 'ms', quantile(large.times, 0.5)),
  ]
}
