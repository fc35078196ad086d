import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import type { Condition } from '../../crds/status.ts'
import { notFound, readShown } from './reader.ts'

/** The cluster as a person sees it: by kubectl. */

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export function kubectl(
  args: readonly string[],
  input?: string,
  target = inject('cluster'),
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      target.kubectl,
      ['--kubeconfig', target.kubeconfig, ...args],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    )
    // EPIPE: kubectl ended before it read its input, and its exit code says why.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input ?? '')
  })
}

/** The same, but throws if kubectl fails. */
export async function ok(
  args: readonly string[],
  input?: string,
  target = inject('cluster'),
): Promise<string> {
  const { code, stdout, stderr } = await kubectl(args, input, target)
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
  return stdout
}

// biome-ignore lint/suspicious/noExplicitAny: objects of every kind, as kubectl prints them.
export type Shown = any

/** What `kubectl get WHAT -o json` prints; kubectl itself says why there is nothing. */
export async function get(
  namespace: string,
  what: string,
  target = inject('cluster'),
): Promise<Shown> {
  try {
    return await readShown(target.kubeconfig, namespace, what)
  } catch (error) {
    const words = notFound(error)
    if (words) throw new Error(`kubectl -n ${namespace} get ${what}: ${words}`)
    return JSON.parse(await ok(['-n', namespace, 'get', what, '-o', 'json'], undefined, target))
  }
}

export const manifest = (
  kind: string,
  name: string,
  spec: unknown,
  metadata: object = {},
): string =>
  JSON.stringify({ apiVersion: 'substratus.ai/v1', kind, metadata: { name, ...metadata }, spec })

export const apply = (namespace: string, ...manifests: readonly string[]): Promise<string> =>
  ok(['-n', namespace, 'apply', '-f', '-'], manifests.join('\n---\n'))

/** The status, reason and message of Ready. */
export const readyOf = (object: Shown): string => {
  const ready: Condition | undefined = object.status?.conditions?.find(
    ({ type }: Condition) => type === 'Ready',
  )
  return ready ? `${ready.status} ${ready.reason}: ${ready.message}` : 'no status yet'
}

/** Repeats `ask` until its result satisfies; the error contains the last result. */
export async function until<T>(
  ask: () => Promise<T>,
  satisfied: (answer: T) => boolean,
  seconds = 60,
  pauseMs = 250,
): Promise<T> {
  const end = Date.now() + seconds * 1000
  let last: unknown
  while (Date.now() < end) {
    try {
      const answer = await ask()
      if (satisfied(answer)) return answer
      last = answer
    } catch (error) {
      last = error
    }
    await sleep(pauseMs)
  }
  throw new Error(`not within ${seconds} s; the last answer was ${shown(last)}`)
}

const shown = (value: unknown): string =>
  value instanceof Error ? value.message : JSON.stringify(value)?.slice(0, 2000)

/** Waits until Ready matches. */
export const untilReady = (
  namespace: string,
  what: string,
  says: string | RegExp,
): Promise<string> =>
  until(
    async () => readyOf(await get(namespace, what)),
    (ready) => (typeof says === 'string' ? ready.startsWith(says) : says.test(ready)),
  )

let count = 0

/** Creates a namespace for a test file or case, named after it. */
export async function namespace(word: string, target = inject('cluster')): Promise<string> {
  const name = `${word}-${process.pid}-${count++}`
  await ok(['create', 'namespace', name], undefined, target)
  return name
}

/** The names of all objects of these kinds. */
export const names = async (namespace: string, kinds: string): Promise<readonly string[]> =>
  (await get(namespace, kinds)).items.map(({ kind, metadata }: Shown) => `${kind}/${metadata.name}`)

export const patch = (namespace: string, what: string, spec: object): Promise<string> =>
  ok(['-n', namespace, 'patch', what, '--type=merge', '-p', JSON.stringify({ spec })])

/** Runs `act` without the validating webhook, which all namespaces share: no other test may run meanwhile. */
export async function withoutAdmission(act: () => Promise<unknown>): Promise<void> {
  const hooks = await ok(['get', 'validatingwebhookconfiguration', 'substratus', '-o', 'json'])
  await ok(['delete', 'validatingwebhookconfiguration', 'substratus'])
  try {
    await act()
  } finally {
    const { metadata, ...rest } = JSON.parse(hooks)
    await ok(['create', '-f', '-'], JSON.stringify({ ...rest, metadata: { name: metadata.name } }))
  }
}

/** Writes to the objects of a namespace, from the API server's audit log. */
const written = (namespace: string, isMeant: (code: number) => boolean): readonly string[] =>
  readFileSync(inject('cluster').auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"namespace":"${namespace}"`))
    .map((line) => JSON.parse(line))
    .filter(
      ({ verb, responseStatus }: Shown) =>
        ['create', 'update', 'patch', 'delete'].includes(verb) && isMeant(responseStatus.code),
    )
    .map(
      ({ verb, objectRef, user }: Shown) =>
        `${user.username} ${verb} ${objectRef.resource}/${objectRef.name}`,
    )

/** The writes that succeeded. */
export const writes = (namespace: string) => written(namespace, (code) => code < 300)

/** The writes that failed. */
export const failures = (namespace: string) => written(namespace, (code) => code >= 400)

/** Every creation of a Job in a namespace. */
export const jobsCreated = (namespace: string): readonly string[] =>
  writes(namespace)
    .flatMap((line) => / create jobs\/(.+)$/.exec(line)?.[1] ?? [])
    .sort()

/** Causes another sync of an object, which should change nothing. */
export async function nudge(namespace: string, what: string): Promise<void> {
  await ok([
    '-n',
    namespace,
    'annotate',
    '--overwrite',
    what,
    `test.substratus.ai/nudged=${Date.now()}`,
  ])
  await sleep(2000)
}

/**
 * Reports each state of Ready that `kubectl get --watch` shows from now on, in the form of readyOf, and
 * the reason if kubectl ends by itself. The returned function stops it.
 */
export function watchReady(
  ns: string,
  what: string,
  heard: (line: string) => void,
  ended: (why: string) => void,
): () => void {
  const { kubectl, kubeconfig } = inject('cluster')
  const [kind = '', name] = what.split('/')
  const ready = '.status.conditions[?(@.type=="Ready")]'
  const columns = ['status', 'reason', 'message'].map((field) => `${field}:${ready}.${field}`)
  const child = spawn(
    kubectl,
    [
      ...['--kubeconfig', kubeconfig, '-n', ns, 'get', kind, '--watch', '--no-headers'],
      // As a list of one: for a single object kubectl omits the first event, which may be the expected
      // change.
      ...[`--field-selector=metadata.name=${name}`, '-o', `custom-columns=${columns}`],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  // Line by line: kubectl writes a line in pieces.
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, status, reason, message] = /^(\S+) +(\S+) +(.*?) *$/.exec(line) ?? []
    if (status !== '<none>') heard(`${status} ${reason}: ${message}`)
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  let stopped = false
  child.on('close', (code) => {
    if (!stopped) ended(`kubectl get --watch ended with ${code}: ${errors}`)
  })
  return () => {
    stopped = true
    child.kill()
  }
}

/** All states of Ready, without repetitions. The end of kubectl is included, so that it cannot hide anything. */
export function watch(ns: string, what: string) {
  const lines: string[] = []
  const add = (line: string) => {
    if (line !== lines.at(-1)) lines.push(line)
  }
  return { lines, stop: watchReady(ns, what, add, add) }
}

/** An object's row in kubectl's own table, by column. */
export async function rowOf(ns: string, what: string): Promise<Readonly<Record<string, string>>> {
  const [heads = '', row = ''] = (await ok(['-n', ns, 'get', what, '-o', 'wide'])).split('\n')
  const columns = [...heads.matchAll(/\S+ */g)].map(({ 0: head, index }) => [
    head.trim(),
    row.slice(index, index + head.length).trim(),
  ])
  return Object.fromEntries(columns)
}

/**
 * The claim of a Model's artifacts, restored for an object with a new uid, by its label, as in
 * docs/operate.md. The embedded runner adopts nothing, so that it needs an owner reference.
 */
export const claimOf = ({ name, uid }: Shown, isAdopted: boolean): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: `${name}-model-artifacts`,
      labels: { 'controller-uid': uid },
      ...(!isAdopted && {
        ownerReferences: [
          { apiVersion: 'substratus.ai/v1', kind: 'Model', name, uid, controller: true },
        ],
      }),
    },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '100Gi' } } },
  })
