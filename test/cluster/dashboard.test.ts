import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { findHelm } from '../../platform/binaries/find.ts'
import { root } from '../../terminal/root.ts'
import { chromium } from '../node/chromium.ts'
import { bodyOf, endUpstreams, gatewayBed, serving, upstream } from '../protocol/gatewaybed.ts'
import { chart, documentsIn, home, imagesAt, release } from './chart.ts'
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
import { startKubeStateMetrics } from './kubestatemetrics.ts'
import { type Prometheus, type Series, startPrometheus } from './prometheus.ts'
import { simulate, work } from './troubles.ts'

/**
 * The queries of the dashboard and the rules of the chart in a real Prometheus, Debian's. It scrapes the
 * server of these tests and a gateway while both have something to do, and kube-state-metrics.
 */

const cluster = inject('cluster')
const ends: (() => unknown)[] = []

let ns: string
let prometheus: Prometheus
let rules: readonly Shown[]
let burdened: () => Promise<void>

beforeAll(async () => {
  ns = await namespace('dashboard')
  const parts = await monitoringParts()
  const ofKind = (kind: string) => parts.filter((one) => one.kind === kind)
  const groups = ofKind('PrometheusRule').flatMap(({ spec }) => spec.groups)
  rules = groups.flatMap((group) => group.rules)
  const objects = await startKubeStateMetrics(
    ns,
    parts.filter(({ kind }) => /^(ConfigMap|Cluster)/.test(kind)),
  )
  ends.push(objects.end)
  const gateway = await gatewayOf()
  // The labels are those that the Prometheus operator gives to the targets of a Service.
  const job = (name: string, address: string, service: string, more: object = {}) => ({
    job_name: name,
    honor_labels: true,
    static_configs: [{ targets: [address], labels: { service, pod: name } }],
    ...more,
  })
  const server = { scheme: 'https', tls_config: { ca_file: cluster.ca } }
  prometheus = await startPrometheus(
    [
      job('server', new URL(cluster.serverUrl).host, 'substratus', server),
      job('gateway', new URL(gateway.address).host, 'substratus-gateway-metrics'),
      job('objects', objects.address, 'kube-state-metrics'),
    ],
    groups,
  )
  ends.push(prometheus.end)
  const reports = await objectsInUse()
  burdened = async () => void (await Promise.all([gateway.burden(), burden(reports)]))
})

afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

/** What the chart brings for kube-state-metrics in the namespace of this test, and all of its rules. */
async function monitoringParts(): Promise<readonly Shown[]> {
  const values = [
    ...[imagesAt, 'tls.secretName=a', 'tls.ca=a', 'alerts.enabled=true'],
    ...['kubeStateMetrics.enabled=true', `kubeStateMetrics.namespace=${ns}`],
    'modelServerMonitor.enabled=true',
  ]
  const files = ['monitoring', 'kubestatemetrics', 'modelservers']
  const shown = files.flatMap((file) => ['--show-only', `templates/${file}.yaml`])
  const args = ['template', release, chart, '--namespace', home, '--set', values.join(), ...shown]
  const helm = await findHelm({ progress: console.log })
  return documentsIn(execFileSync(helm, args, { encoding: 'utf8' }))
}

/** Objects in the states that the panels tell of; returns the address to which the training reports. */
async function objectsInUse(): Promise<string> {
  await apply(
    ns,
    manifest('Dataset', 'data', { source: 'https://example.com/data' }),
    manifest('Model', 'training', work, simulate('hold')),
    manifest('Model', 'broken', work, simulate('exit')),
    manifest('Model', 'greedy', { ...work, resources: { gpu: { type: 'nvidia-l4', count: 64 } } }),
    manifest('Model', 'base', { image: 'example.com/base' }),
    manifest('ModelServer', 'chat', { model: { name: 'base' } }),
    manifest('Notebook', 'explore', { model: { name: 'base' } }),
  )
  await untilReady(ns, 'model/training', 'False Running')
  for (const what of ['dataset/data', 'modelserver/chat', 'notebook/explore'])
    await untilReady(ns, what, 'True')
  await untilReady(ns, 'model/broken', 'False Failed')
  await untilReady(ns, 'model/greedy', 'False Unschedulable')
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

/** How long a model server takes, so that a scrape sees requests in progress. */
const answerMs = 1500

/** A gateway with a server that answers and one that sleeps until it is asked. */
async function gatewayOf() {
  const usage = { prompt_tokens: 3, completion_tokens: 4 }
  const address = await upstream(async (req, res) => {
    await bodyOf(req)
    await sleep(answerMs)
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
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}
const { panels } = JSON.parse(readFileSync(join(root, 'helm/files/dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[]
}

const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({
    title,
    query: expr.replaceAll('$__rate_interval', '10s'),
    legend: legendFormat,
  })),
)

/** The name of a series below its panel, as Grafana writes it; a label that is missing stays in braces. */
const nameOf = (legend: string, { labels }: Series): string =>
  legend.replace(/\{\{(\w+)\}\}/g, (braces, label) => labels[label] || braces)

/** What is wrong with the data of a query, if anything. */
function fault(legend: string, series: readonly Series[]): string | undefined {
  if (series.length === 0) return 'no data'
  const unnamed = series.map((one) => nameOf(legend, one)).find((name) => name.includes('{{'))
  if (unnamed) return `a label is missing: ${unnamed}`
  return series.some(({ value }) => value > 0) ? undefined : 'nothing above 0'
}

test('each panel has data, and each series its labels', async () => {
  expect(queries.length).toBeGreaterThan(20)
  const wanted = new Set(queries)
  const faults = async () => {
    await burdened()
    const found = await Promise.all(
      [...wanted].map(async (one) => {
        const wrong = fault(one.legend, await prometheus.query(one.query))
        // On a busy machine, not every scrape arrives in time.
        if (!wrong) wanted.delete(one)
        return wrong ? [`${one.title}: ${wrong}`] : []
      }),
    )
    return found.flat()
  }
  await until(faults, (found) => found.length === 0, 100)
})

describe('the panels of the objects show those that they are about, and no others', () => {
  test.each([
    {
      title: 'Objects by state',
      shown: [
        ...['Dataset Done', 'Model Done', 'Model Failed', 'Model Running', 'Model Unschedulable'],
        ...['ModelServer Serving', 'Notebook UpdatePending'],
      ],
      from: 1,
      to: 1,
    },
    {
      title: 'Not Ready for',
      shown: ['Model NS/broken', 'Model NS/greedy', 'Model NS/training'],
      from: 0,
      to: 1800,
    },
    { title: 'Progress', shown: ['Model NS/training run'], from: 0, to: 100 },
    {
      title: 'Replicas of ModelServers',
      shown: ['NS/chat ready', 'NS/chat wanted'],
      from: 1,
      to: 1,
    },
    { title: 'Size of results', shown: ['NS'], from: 1, to: 1e12 },
  ])('$title', async ({ title, shown, from, to }) => {
    const results = await Promise.all(
      queries
        .filter((one) => one.title === title)
        .map(async ({ query, legend }) =>
          (await prometheus.query(query)).map((one) => ({ ...one, name: nameOf(legend, one) })),
        ),
    )
    const series = results.flat()
    expect(series.map(({ name }) => name.replace(ns, 'NS')).sort()).toEqual(shown)
    for (const { name, value } of series)
      expect([name, value >= from && value <= to, value]).toEqual([name, true, value])
  })
})

test('each rule of the chart is evaluated without an error', async () => {
  const evaluated = await until(prometheus.rules, (found) =>
    found.every(({ health }) => health !== 'unknown'),
  )
  expect(evaluated.filter(({ health }) => health !== 'ok')).toEqual([])
  const names = (all: readonly Shown[]) =>
    all.map(({ alert, record, name }) => alert ?? record ?? name)
  expect(names(evaluated).sort()).toEqual(names(rules).sort())
})

test('alerts are raised about the objects that need somebody, and about no others', async () => {
  const raised = async () =>
    (await prometheus.alerts())
      .filter(({ customresource_kind: kind }) => kind)
      .map(({ alertname, customresource_kind: kind, namespace, name, reason = '' }) =>
        [alertname, kind, `${namespace}/${name}`, reason].join(' ').trim(),
      )
      .sort()
  expect(await until(raised, ({ length }) => length > 1)).toEqual([
    `SubstratusObjectFailed Model ${ns}/broken Failed`,
    `SubstratusObjectPending Model ${ns}/greedy`,
  ])
})

/** Without the folder of this run and the alerts that are not raised; one is opened. */
const asInDocs = `
  for (const cell of document.querySelectorAll('td'))
    if (/^\\S+ > [\\w-]+$/.test(cell.innerText.trim()) && !cell.querySelector('td'))
      cell.innerText = cell.innerText.replace(/^.* > /, '')
  document.querySelector('input[type=checkbox]').click()
  ;[...document.querySelectorAll('td')].find((it) => /^SubstratusObjectFailed/.test(it.innerText)).click()
  true`

// SUBSTRATUS_PAGE_PICTURES=docs npm run test:cluster -- dashboard writes it.
test('Prometheus lists the alerts as the docs show', async () => {
  const browser = await chromium(1280, 800)
  try {
    await browser.go(`${prometheus.url}/classic/alerts`)
    await browser.untilTrue('document.body.innerText.includes("SubstratusObjectFailed (1 active)")')
    await browser.ask(asInDocs)
    await browser.untilTrue('document.body.innerText.includes("broken")')
    const picture = 'operate-alerts.png'
    const image = await browser.picture()
    expect(image.length).toBeGreaterThan(10_000)
    const folder = process.env.SUBSTRATUS_PAGE_PICTURES
    if (folder) writeFileSync(join(folder, picture), image)
  } finally {
    await browser.close()
  }
})
