import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { stringify } from 'yaml'
import { programNamed } from '../../platform/node/requirements.ts'
import { freePorts } from '../../platform/ports.ts'
import { root } from '../../terminal/root.ts'
import { bodyOf, endUpstreams, gatewayBed, serving, upstream } from '../protocol/gatewaybed.ts'
import {
  apply,
  get,
  kubectl,
  manifest,
  namespace,
  patch,
  type Shown,
  until,
  untilReady,
} from './cluster.ts'
import { simulate, work } from './troubles.ts'

/**
 * The queries of the dashboard on a real Prometheus, Debian's, that scrapes the server of these tests and
 * a gateway while both have something to do.
 */

const cluster = inject('cluster')
const ends: (() => unknown)[] = []

/**
 * The panels of the part Objects need kube-state-metrics. Where it is not on PATH they have no data, because
 * building it would take minutes; test/unit/generate/monitoring.test.ts compares what they read with the CRDs.
 */
const kubeStateMetrics = programNamed('kube-state-metrics')
const partsWithData = ['Server', 'Gateway', ...(kubeStateMetrics ? ['Objects'] : [])]

let ns: string
let asks: (query: string) => Promise<readonly number[]>
let burdened: () => Promise<void>

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'substratus-dashboard-'))
  ends.push(() => rmSync(folder, { recursive: true }))
  ns = await namespace('dashboard')
  const [port = 0, objects = 0, own = 0] = await freePorts(3)
  console.log(`the objects by ${kubeStateMetrics ?? 'nothing: kube-state-metrics is not on PATH'}`)
  if (kubeStateMetrics)
    runs(folder, kubeStateMetrics, [
      `--kubeconfig=${cluster.kubeconfig}`,
      `--custom-resource-state-config-file=${join(root, 'helm/files/kubestatemetrics.yaml')}`,
      ...['--resources=deployments', `--port=${objects}`, `--telemetry-port=${own}`],
    ])
  const gateway = await gatewayOf()
  // The labels are those that the Prometheus operator gives to the targets of a Service.
  const job = (name: string, address: string, service: string, more: object = {}) => ({
    job_name: name,
    honor_labels: true,
    static_configs: [{ targets: [new URL(address).host], labels: { service, pod: name } }],
    ...more,
  })
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [
      job('server', cluster.serverUrl, 'substratus', {
        scheme: 'https',
        tls_config: { ca_file: cluster.ca },
      }),
      job('gateway', gateway.address, 'substratus-gateway-metrics'),
      job('objects', `http://127.0.0.1:${objects}`, 'kube-state-metrics'),
    ],
  }
  writeFileSync(join(folder, 'prometheus.yml'), stringify(config))
  runs(folder, programNamed('prometheus') ?? 'prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
  asks = (query) => valuesOf(`http://127.0.0.1:${port}`, query)
  const reports = await objectsInUse()
  burdened = async () => void (await Promise.all([gateway.burden(), burden(reports)]))
}, 120_000)

afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

/** Starts a program that ends with the tests; its output tells why if it does so before. */
function runs(folder: string, program: string, args: readonly string[]): void {
  const child: ChildProcess = spawn(program, args, { cwd: folder })
  let output = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    output += chunk
  })
  child.on('error', (error) => console.log(`apt-get install prometheus: ${error.message}`))
  const ended = new Promise<void>((resolve) =>
    child.once('close', (code) => {
      if (code) console.log(output)
      resolve()
    }),
  )
  ends.push(async () => {
    child.kill('SIGTERM')
    await ended
  })
}

async function valuesOf(prometheus: string, query: string): Promise<readonly number[]> {
  const body = new URLSearchParams({ query })
  const answer: Shown = await (
    await fetch(`${prometheus}/api/v1/query`, { method: 'POST', body })
  ).json()
  if (answer.status !== 'success') throw new Error(answer.error)
  // A quantile of nothing is not a number.
  return answer.data.result
    .map(({ value }: { value: [number, string] }) => Number(value[1]))
    .filter(Number.isFinite)
}

/** Objects in the states that the panels tell of; returns the address to which the training reports. */
async function objectsInUse(): Promise<string> {
  await apply(
    ns,
    manifest('Dataset', 'data', { source: 'https://example.com/data' }),
    manifest('Model', 'training', work, simulate('hold')),
    manifest('Model', 'base', { image: 'example.com/base' }),
    manifest('ModelServer', 'chat', { model: { name: 'base' } }),
    manifest('Notebook', 'explore', { model: { name: 'base' } }),
  )
  await untilReady(ns, 'model/training', 'False Running')
  for (const what of ['dataset/data', 'modelserver/chat', 'notebook/explore'])
    await untilReady(ns, what, 'True')
  await patch(ns, 'notebook/explore', { env: { CHANGED: 'yes' } })
  await untilReady(ns, 'notebook/explore', 'True UpdatePending')
  const { items } = await get(ns, 'jobs')
  const job = items.find(({ metadata }: Shown) => metadata.name.startsWith('training-model-run'))
  const { env } = job.spec.template.spec.containers[0]
  return env.find(({ name }: Shown) => name === 'SUBSTRATUS_PROGRESS_URL').value
}

let step = 0

/** A wrong object, a wrong token, a report, a change: whatever raises the server's counters. */
async function burden(reports: string): Promise<void> {
  step++
  await Promise.all([
    kubectl(
      ['-n', ns, 'create', '-f', '-'],
      manifest('ModelServer', 'wrong', { model: { name: 'none' } }),
    ),
    patch(ns, 'model/training', { runPolicy: { ttlSecondsAfterFinished: 1000 + step } }),
    fetch(reports, { method: 'POST', body: JSON.stringify({ step, of: 1000 }) }),
    strangersSync(),
  ])
}

/** A sync without the token. */
const strangersSync = () =>
  new Promise((resolve, reject) => {
    const options = { method: 'POST', ca: readFileSync(cluster.ca) }
    request(`${cluster.serverUrl}/hooks/models/sync`, options, (res) => {
      res.resume()
      res.on('end', resolve)
    })
      .on('error', reject)
      .end('{}')
  })

/** A gateway with a server that answers and one that sleeps until it is asked. */
async function gatewayOf() {
  const usage = { prompt_tokens: 3, completion_tokens: 4 }
  const address = await upstream(async (req, res) => {
    await bodyOf(req)
    res.end(JSON.stringify({ usage }))
  })
  const bed = await gatewayBed()
  ends.push(() => bed.end(), endUpstreams)
  const chat = serving([address])
  const sleeper = (ready: string, addresses: readonly string[] = []) =>
    serving(addresses, ready, {}, 'sleeper')
  const ask = (model: string) => bed.post({ model, messages: [] }).then((it) => it.text())
  return {
    address: bed.gateway.insideUrl ?? '',
    burden: async () => {
      bed.set(chat, sleeper('True Idle: idle since 12:00'))
      bed.wake = async () => bed.set(chat, sleeper('True Serving: serving', [address]))
      await Promise.all([ask('chat'), ask('sleeper'), ask('unknown')])
    },
  }
}

interface Panel {
  readonly type: string
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}
const { panels } = JSON.parse(readFileSync(join(root, 'helm/files/dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
}

/** Each query, with its panel and the part of the dashboard. */
function* queries() {
  let part = ''
  for (const { type, title, targets = [] } of panels) {
    if (type === 'row') part = title
    for (const { expr } of targets)
      yield { part, title, query: expr.replaceAll('$__rate_interval', '10s') }
  }
}

test('each panel has data', async () => {
  const all = [...queries()]
  expect(all.length).toBeGreaterThan(20)
  const wanted = all.filter(({ part }) => partsWithData.includes(part))
  const empty = async () => {
    await burdened()
    const values = await Promise.all(wanted.map(({ query }) => asks(query)))
    return wanted.filter((_, at) => values[at]?.length === 0).map(({ title }) => title)
  }
  await until(empty, (titles) => titles.length === 0, 90)
})
