import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import type { FakeApi } from '../../test/protocol/fakeapi.ts'
import { bundleInto } from '../built.ts'
import { writeJson } from '../figures.ts'
import { memoryOf } from '../memory.ts'
import { firstBytes, tokensPerSecond, whileOpen } from './clients.ts'
import {
  type Place,
  type Started,
  startApi,
  startBare,
  startGateway,
  startModelServer,
} from './processes.ts'
import { type Compared, figuresOf, printRows, rowsOf } from './report.ts'
import { measureRouting } from './routing.ts'

/**
 * What the gateway costs, beside the server alone and a bare proxy of the same library. It is compiled, runs
 * with the flags of its image, checks keys and logs, as in a cluster.
 */

const options = new Command('bench:gateway')
  .description('Streams through the gateway, beside the server alone and a bare proxy.')
  .option('--json <file>', 'write [{name, value, unit, target, met}]')
  .option('--rounds <number>', 'how often each is measured', Number, 10)
  .option('--seconds <number>', 'how long first bytes are measured', Number, 3)
  .option('--streams <number>', 'streams at once', Number, 64)
  .option('--tokens <number>', 'tokens of each stream that is as fast as it can', Number, 1000)
  .option('--open <number>', 'open streams while memory is measured', Number, 500)
  .option('--servers <number>', 'ModelServers while decisions are measured', Number, 1000)
  .parse()
  .opts<{
    readonly json?: string
    readonly rounds: number
    readonly seconds: number
    readonly streams: number
    readonly tokens: number
    readonly open: number
    readonly servers: number
  }>()

const { rounds, seconds, streams, tokens, open, servers } = options
const progress = (line: string) => console.error(line)

/** Until a process that has started, or whose streams are open, is at rest. */
const restMilliseconds = Math.min(3000, seconds * 1000)

/** Alternates between the three, so that noise on the machine affects all. */
async function alternately<T>(
  places: Compared<Place>,
  measure: (place: Place) => Promise<T>,
): Promise<readonly Compared<T>[]> {
  // Warm up first, so that the JIT has compiled all.
  for (const place of Object.values(places)) await measure(place)
  const found: Compared<T>[] = []
  for (let round = 0; round < rounds; round++)
    found.push({
      alone: await measure(places.alone),
      bare: await measure(places.bare),
      gateway: await measure(places.gateway),
    })
  return found
}

/** The memory of a process that has just started, and then with open streams. */
async function memoryWith(starting: Promise<Started>) {
  const proxy = await starting
  try {
    await sleep(restMilliseconds)
    const idle = memoryOf(proxy.pid)
    const atMost = await whileOpen(proxy, open, async () => {
      await sleep(restMilliseconds)
      return memoryOf(proxy.pid)
    })
    return { idle, open: atMost }
  } finally {
    await proxy.stop()
  }
}

async function measure(folder: string, alone: Started, api: FakeApi) {
  progress('measuring decisions')
  const routing = measureRouting(servers)
  progress(`measuring memory with ${open} open streams`)
  const memory = {
    bare: await memoryWith(startBare(alone)),
    gateway: await memoryWith(startGateway(folder, api)),
  }
  const started: Started[] = []
  try {
    const bare = await startBare(alone)
    started.push(bare)
    const gateway = await startGateway(folder, api)
    started.push(gateway)
    const places = { alone, bare, gateway }
    progress(`measuring first bytes with ${streams} streams`)
    const times = await alternately(places, (place) => firstBytes(place, streams, seconds))
    progress(`measuring tokens with ${streams} streams`)
    const speeds = await alternately(places, (place) => tokensPerSecond(place, streams, tokens))
    return rowsOf({ streams, open, servers, firstBytes: times, tokens: speeds, memory, routing })
  } finally {
    for (const one of started) await one.stop()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'substratus-bench-'))
try {
  progress('compiling the gateway')
  await bundleInto(folder)
  const server = await startModelServer()
  const api = await startApi(server)
  try {
    const rows = await measure(folder, server, api)
    printRows(rows)
    if (options.json) writeJson(options.json, figuresOf(rows))
  } finally {
    await api.close()
    await server.stop()
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
