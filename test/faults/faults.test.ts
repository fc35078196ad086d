import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { get, jobsCreated, namespace, ok, readyOf, type Shown, until } from '../cluster/cluster.ts'
import {
  type Family,
  familiesOf,
  familyKinds,
  flaps,
  grown,
  notOnce,
  shapeOf,
  sortOf,
  wrongChildren,
} from './after.ts'
import { applyObject } from './apply.ts'
import { base, type Load, objectOf, sorts, summaryOf } from './applying.ts'
import { type Bed, startBed } from './bed.ts'
import { calm, type Fault, faults, loadOf, nothing } from './faults.ts'
import { type Recorder, record } from './recorder.ts'

/**
 * While people apply objects and others run, something fails. After each fault, nothing is lost, nothing
 * has run twice, Ready has told the truth, and the servers are as large as before.
 */

let bed: Bed
/** The children of each sort of object where nothing fails. */
let expected: ReadonlyMap<string, string>
let running: string
/** The memory of the larger server after such a load without a fault, in MiB. */
let usual: number

beforeAll(async () => {
  bed = await startBed()
  const quiet = await namespace('quiet')
  await applyAll(quiet, [base, ...sorts.map((sort) => objectOf(sort, 0))])
  await allReady(quiet)
  expected = new Map(
    (await families(quiet)).map((family) => [sortOf(family.what), shapeOf(family)]),
  )
  running = await namespace('running')
  await applyAll(running, [base, ...sorts.map((sort) => objectOf(sort, 0)), held])
  await allReady(running)
  const { found, memory } = await through(nothing)
  expect(found).toEqual(none)
  usual = memory
})
afterAll(() => bed?.stop())

/** A training that never ends. */
const held = {
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { name: 'held', labels: { simulate: 'hold' } },
  spec: { image: 'example.com/train:1', params: { epochs: 9 }, package: 'Never' },
}

async function applyAll(ns: string, objects: readonly Shown[]): Promise<void> {
  for (const object of objects)
    expect(await applyObject(ns, object)).toMatchObject({ isAccepted: true })
}

const objectsIn = async (ns: string): Promise<readonly Shown[]> =>
  (await get(ns, familyKinds)).items
const families = async (ns: string): Promise<readonly Family[]> => familiesOf(await objectsIn(ns))

/**
 * After failures, Metacontroller waits twice as long before each further attempt, up to 1000 s, unless a child
 * changes before.
 */
const patienceSeconds = 1200

const allReady = (ns: string) =>
  until(
    async () => {
      // Rarely: the proxies share this process, and a machine that is busy.
      await sleep(2000)
      return (await get(ns, 'datasets,models,modelservers,notebooks')).items
        .filter(({ metadata }: Shown) => metadata.name !== 'held')
        .map((object: Shown) => `${object.kind}/${object.metadata.name} ${readyOf(object)}`)
        .filter((line: string) => !/ True (Done|Serving)/.test(line))
    },
    (unready) => unready.length === 0,
    patienceSeconds,
  )

/** What runs in the background, and must not be replaced. */
const runningNow = async (): Promise<readonly string[]> =>
  (await get(running, 'jobs,deployments,statefulsets,pods')).items
    .map(({ kind, metadata }: Shown) => `${kind}/${metadata.name} ${metadata.uid}`)
    .sort()

async function remove(ns: string): Promise<void> {
  await ok(['delete', 'namespace', ns, '--wait=false'])
  await until(
    () => sleep(2000).then(() => get(ns, 'pods')),
    ({ items }) => items.length === 0,
    patienceSeconds,
  )
}

/** The checks, and what an apply may not have said; the lists are empty if all is well. */
async function findings(ns: string, load: Load, seen: Recorder, mayFail?: RegExp) {
  const own = ({ metadata }: Shown) => metadata.namespace === ns
  const repeated = async () =>
    notOnce(
      [...seen.jobs.values()].filter(own),
      [...seen.pods.values()].filter(own),
      jobsCreated(ns),
    )
  // Our own watches were cut too: they may be behind what was read until now.
  await until(repeated, ({ length }) => length === 0, 60).catch(() => {})
  // Not those of an earlier fault, which are being deleted.
  const histories = new Map(
    [...seen.objects].filter(([, { namespace }]) => namespace === ns || namespace === running),
  )
  return {
    unexpectedErrors: [
      ...new Set(load.failed.map(({ words }) => words).filter((words) => !mayFail?.test(words))),
    ],
    wrongChildren: wrongChildren(await families(ns), load.accepted, expected),
    notOnce: await repeated(),
    flaps: flaps(histories, seen.disturbances),
  }
}

const none = { replaced: [], unexpectedErrors: [], wrongChildren: [], notOnce: [], flaps: [] }

/** A load during which something happens, in this namespace: what is wrong then. */
async function loaded(fault: Fault, ns: string, seen: Recorder) {
  const before = await runningNow()
  await applyAll(ns, [base])
  const load = loadOf(fault, ns)
  await calm()
    .then(() => fault.happen(bed))
    .then(calm)
    .finally(load.stop)
  console.log(`${fault.name}: ${summaryOf(load)}`)
  expect(load.accepted.size).toBeGreaterThan(5)
  await allReady(ns)
  const now = await runningNow()
  return {
    replaced: [...before, ...now].filter((line) => !before.includes(line) || !now.includes(line)),
    ...(await findings(ns, load, seen, fault.mayFail)),
  }
}

/** The same in a namespace of its own, and the memory once that is removed. */
async function through(fault: Fault) {
  const ns = await namespace('fault')
  const seen = record()
  const found = await loaded(fault, ns, seen).finally(async () => {
    seen.stop()
    await remove(ns)
  })
  const memory = await bed.memory()
  console.log(`${fault.name}: ${memory} MiB`, found)
  return { found, memory }
}

test.each(faults)('when $name, nothing is lost or repeated', async (fault) => {
  const { found, memory } = await through(fault)
  expect({ ...found, grown: grown(usual, memory) }).toEqual({ ...none, grown: [] })
})
