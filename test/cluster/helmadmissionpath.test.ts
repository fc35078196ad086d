import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type Bed,
  chart,
  done,
  home,
  install,
  mount,
  type Running,
  release,
  startBed,
  team,
} from './chart.ts'
import { get, manifest, until } from './cluster.ts'
import { applySteadily } from './steady.ts'

/** A secret segment in the path of admission, from its introduction to its rotation. */

const [first, second] = ['first-segment-0123456789', 'second-segment-0123456789'] as const

let bed: Bed
let server: Running

beforeAll(async () => {
  bed = await startBed()
  server = await install(bed, chart, '--set', `admissionPath.alsoAccepted=${first},logLevel=debug`)
})
afterAll(async () => {
  await server?.stop()
  await bed?.plane.stop()
})

const etc = () => join(bed.plane.dir, 'etc')

/** What a client in the cluster network receives. */
const responseTo = (path: string, method: 'GET' | 'POST' = 'POST') =>
  new Promise<{ readonly code: number; readonly body: string }>((resolve, reject) => {
    const ca = readFileSync(join(etc(), 'tls', 'ca.crt'))
    const headers = { 'content-type': 'application/json' }
    const url = `https://${bed.address}:${bed.port}${path}`
    const call = request(url, { ca, method, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body }))
    })
    call.on('error', reject).end(method === 'POST' ? '{}' : undefined)
  })

/** The status codes of admission with a segment in the path: 400, because the body is not a review, or 404. */
const codesOf = async (segment: string) =>
  Promise.all(
    ['mutate', 'validate'].map(
      async (verb) => (await responseTo(`/admission/${segment}${verb}`)).code,
    ),
  )

const segments = async () =>
  Buffer.from((await get(home, 'secret/substratus-admission', bed.target)).data.segments, 'base64')
    .toString()
    .split('\n')

const upgrade = async (segment: string, alsoAccepted: string) =>
  done(
    await bed.helm(
      ...['upgrade', release, chart, '-n', home, '--reuse-values', '--set'],
      `admissionPath.segment=${segment},admissionPath.alsoAccepted=${alsoAccepted}`,
    ),
  )

const changes = () => server.log().split('read the changed segments').length

/** Does what the kubelet does some time after Helm. */
const refreshMountedSecret = async () => {
  const before = changes()
  await mount(bed.target, 'secret/substratus-admission', join(etc(), 'admission'))
  await until(
    async () => changes(),
    (now) => now > before,
    20,
  )
}

/** How long the API server may take to read its webhook configurations again. */
const settle = () => sleep(5000)

const pathsOfApiServer = async () => {
  const all = 'mutatingwebhookconfigurations,validatingwebhookconfigurations'
  const { items } = await get(home, all, bed.target)
  return new Set(
    items.flatMap(({ webhooks }: { webhooks: readonly { clientConfig: never }[] }) =>
      webhooks.map(({ clientConfig }: { clientConfig: { service?: { path?: string } } }) =>
        clientConfig.service?.path?.replace(/(mutate|validate)$/, ''),
      ),
    ),
  )
}

const expectWorks = async (name: string) => {
  const resources = { gpu: { type: 'nvidia-l4' } }
  done(await bed.apply(manifest('Model', name, { image: 'example.com/m', resources })))
  const { spec } = await get(team, `model/${name}`, bed.target)
  expect(spec.resources.gpu).toEqual({ type: 'nvidia-l4', count: 1 })
  const { code, stderr } = await bed.apply(
    manifest('Model', `${name}-bad`, { image: 'example.com/m', dataset: { name: 'none' } }),
  )
  expect(code).not.toBe(0)
  expect(stderr).toContain('Dataset "none" does not exist in this namespace')
}

/** The number of requests with an unknown path. */
const unknown = async () => {
  const { body } = await responseTo('/metrics', 'GET')
  return /^substratus_request_duration_seconds_count\{route="unknown".*$/m.exec(body)?.[0]
}

/** Applies continuously while the path changes: nothing is refused, and no path is unknown. */
async function expectSteady(name: string, change: () => Promise<void>) {
  const before = await unknown()
  const stop = applySteadily(bed.apply, name)
  await change()
  await sleep(2000)
  const { failed, count } = await stop()
  expect(failed).toEqual([])
  expect(count).toBeGreaterThan(10)
  // If only the mutating webhook failed, no apply would fail.
  expect(await unknown()).toBe(before)
}

test('while the first segment is introduced, both paths are accepted and no apply fails', async () => {
  expect(await segments()).toEqual([first, 'plain'])
  expect(await codesOf('')).toEqual([400, 400])
  expect(await codesOf(`${first}/`)).toEqual([400, 400])
  await expectSteady('introduced', async () => {
    await upgrade(first, 'plain')
    // Swapping the two does not change the Secret, so there is no kubelet to wait for.
    expect(await segments()).toEqual([first, 'plain'])
    await settle()
    await upgrade(first, '')
    await refreshMountedSecret()
  })
})

test('with a segment, the API server validates and fills in defaults, and other clients get 404', async () => {
  expect(await pathsOfApiServer()).toEqual(new Set([`/admission/${first}/`]))
  expect(await segments()).toEqual([first])
  await expectWorks('with-first')
  for (const path of ['', `${second}/`, `${first}x/`, 'plain/'])
    expect(await codesOf(path)).toEqual([404, 404])
  expect(await unknown()).toMatch(/ 8$/)
  expect(await codesOf(`${first}/`)).toEqual([400, 400])
})

test('while the segment changes, both are accepted and no apply fails; then the old one is refused', async () => {
  await expectSteady('changed', async () => {
    await upgrade(first, second)
    await refreshMountedSecret()
    expect(await codesOf(`${first}/`)).toEqual([400, 400])
    expect(await codesOf(`${second}/`)).toEqual([400, 400])
    await upgrade(second, first)
    expect(await segments()).toEqual([first, second])
    await settle()
    await upgrade(second, '')
    await refreshMountedSecret()
  })
  expect(await codesOf(`${first}/`)).toEqual([404, 404])
  expect(await codesOf(`${second}/`)).toEqual([400, 400])
  await expectWorks('with-second')
})

test('no log line, metric or response of the server contains a segment', async () => {
  const { code, body } = await responseTo('/metrics', 'GET')
  expect(code).toBe(200)
  expect(body).toContain('route="/admission/validate"')
  const log = server.log()
  expect(log).toContain('"path":"/admission/validate"')
  const wrong = await responseTo(`/admission/${first}/validate`)
  const method = await responseTo(`/admission/${second}/validate`, 'GET')
  expect([wrong.code, method.code]).toEqual([404, 405])
  expect(log + body + wrong.body + method.body + server.log()).not.toMatch(/segment-0123456789/)
})
