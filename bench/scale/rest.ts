import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { create, read } from '../../cluster/exchange.ts'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { apiVersion, type Parent } from '../../crds/kind.ts'
import { type KindName, kinds } from '../../crds/kinds.ts'
import { statusOf } from '../../platform/https.ts'
import type { Platform } from '../../platform/platform.ts'
import { freePorts } from '../../platform/ports.ts'
import { recordsOf } from '../../platform/processes.ts'
import { allReady, rowOf } from '../../terminal/table.ts'
import { ownServer, untilQuiet } from '../simulated/cost.ts'
import { difference, syncsByPath, writesIn } from '../simulated/counters.ts'
import { textOf } from '../simulated/textof.ts'
import { nameOf } from './workload.ts'

/** Objects of every kind once all are Ready: what happens although nothing changes. */
export interface Rest {
  readonly seconds: number
  /** By kind. */
  readonly objects: ReadonlyMap<KindName, number>
  readonly syncs: ReadonlyMap<KindName, number>
  /** Writes of our objects and their children, by `VERB RESOURCE`. */
  readonly writes: ReadonlyMap<string, number>
  /** Seconds until another server that starts now answers that it is ready. */
  readonly restart: number
}

/** Beside the Models, one of each for every tenth of them. */
const others: Readonly<Partial<Record<KindName, (model: string) => object>>> = {
  Dataset: () => ({ source: 'https://example.com/data' }),
  ModelServer: (name) => ({ model: { name } }),
  Notebook: () => ({ image: 'example.com/book:1' }),
}

/** Nodes renew their heartbeats, and the garbage collector and others look after what is theirs. */
const ours =
  /^\w+ (models|datasets|modelservers|notebooks|jobs|deployments|statefulsets|services|persistentvolumeclaims|pods|events)\b/

export async function measureRest(
  platform: Platform,
  namespace: string,
  models: number,
  seconds: number,
): Promise<Rest> {
  await createOthers(platform, namespace, Math.ceil(models / 10))
  await untilQuiet(ownServer(platform))
  const before = await counted(platform)
  await sleep(seconds * 1000)
  const after = await counted(platform)
  const writes = [...difference(before.writes, after.writes)].filter(([key]) => ours.test(key))
  const syncs = difference(before.syncs, after.syncs)
  const objects = await objectsIn(platform, namespace)
  return {
    seconds,
    objects: new Map(kinds.map(({ kind }) => [kind, objects.get(kind)?.length ?? 0])),
    syncs: new Map(
      kinds.map(({ kind, plural }) => [kind, syncs.get(`/hooks/${plural}/sync`) ?? 0]),
    ),
    writes: new Map(writes),
    restart: await secondsToStart(platform),
  }
}

async function createOthers(platform: Platform, namespace: string, count: number): Promise<void> {
  const config = kubeConfigOf(platform.kubeconfig)
  for (const { kind, plural } of kinds)
    for (let index = 0; index < count; index++) {
      const name = nameOf(index)
      const spec = others[kind]?.(name)
      if (!spec) continue
      const path = `/apis/${apiVersion}/namespaces/${namespace}/${plural}`
      await create(config, path, { apiVersion, kind, metadata: { name }, spec })
    }
  while (
    !allReady(
      [...(await objectsIn(platform, namespace)).values()].flat().map((object) => rowOf(object)),
    )
  )
    await sleep(5000)
}

async function objectsIn({ kubeconfig }: Platform, namespace: string) {
  const config = kubeConfigOf(kubeconfig)
  const found = new Map<KindName, readonly Parent[]>()
  for (const { kind, plural } of kinds) {
    const path = `/apis/${apiVersion}/namespaces/${namespace}/${plural}`
    const { items } = await read<{ readonly items: readonly Parent[] }>(config, path, {})
    found.set(kind, items)
  }
  return found
}

async function counted({ pki, serverUrl, kubectl }: Platform) {
  return {
    syncs: syncsByPath(await textOf(`${serverUrl}/metrics`, readFileSync(pki.ca.cert))),
    writes: writesIn(await kubectl.run(['get', '--raw', '/metrics'])),
  }
}

/** Starts a server with the arguments of the one that runs. */
async function secondsToStart({ dir, pki, serverUrl }: Platform): Promise<number> {
  const { pid } = recordsOf(dir).find(({ name }) => name === 'server') ?? {}
  const [file = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
  const [port] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  const moved = args.map((arg) => (arg === new URL(serverUrl).host ? address : arg))
  const start = performance.now()
  const server = spawn(file, moved, { cwd: dir, stdio: 'ignore' })
  try {
    while ((await statusOf(`https://${address}/readyz`, pki.ca.cert)) !== 200) await sleep(50)
    return (performance.now() - start) / 1000
  } finally {
    server.kill()
  }
}
