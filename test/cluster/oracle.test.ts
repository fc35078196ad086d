import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { readManifests } from '../../cli/manifests.ts'
import { simulate } from '../../cli/simulate.ts'
import { create, type HttpError } from '../../cluster/exchange.ts'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { configOf } from '../../crds/config.ts'
import type { Kind, Parent } from '../../crds/kind.ts'
import { kinds } from '../../crds/kinds.ts'
import { validatorOf, visible } from '../../crds/objectvalidator.ts'
import { childrenOfAll } from '../../metacontroller/compositecontrollers.ts'
import { check } from '../../webhooks/check.ts'
import { aroundSchema } from '../aroundschema.ts'
import type { Child, Json } from '../objects.ts'
import { apply, get, manifest, namespace, ok } from './cluster.ts'

/**
 * The API server is the oracle: for random objects around the schema of each kind, this project's validators
 * and CEL refuse what the CRDs refuse, and admission refuses what the same code refuses in process, naming
 * the same fields. ORACLE_RUNS tries more than 300 of each kind, and ORACLE_SEED tries others.
 */

const runs = Number(process.env.ORACLE_RUNS ?? 300)
const seed = Number(process.env.ORACLE_SEED ?? 19)

/** The specs of the recorded cases: each was accepted. */
const folder = new URL('../unit/hooks/cases/', import.meta.url)
const recorded: readonly Json[] = readdirSync(folder)
  .filter((name) => name.endsWith('.request.yaml'))
  .map((name) => parse(readFileSync(new URL(name, folder), 'utf8')).parent)
const plain: Readonly<Record<string, readonly Json[]>> = {
  Dataset: [
    { source: 'https://example.com/squad' },
    { image: 'example.com/data:1', params: { a: 1 } },
  ],
  Model: [
    { source: 'hf://acme/falcon' },
    {
      image: 'example.com/train:1',
      model: { name: 'base' },
      dataset: { name: 'squad' },
      env: { A: 'b' },
    },
    { build: { git: { url: 'https://example.com/a.git', path: 'a' }, args: { A: 'b' } } },
  ],
  ModelServer: [
    { model: { name: 'base' }, replicas: 2 },
    {
      model: { name: 'base' },
      runtime: 'vllm',
      resources: { memory: 24, gpu: { type: 'nvidia-l4' } },
    },
    { model: { name: 'base' }, idleTimeout: '30m' },
    { model: { name: 'base' }, runtime: 'vllm', adapters: [{ name: 'polite' }] },
  ],
  Notebook: [{ idleTimeout: '2h' }, { model: { name: 'base' }, suspend: true }],
}
const validOf = ({ kind }: Kind): readonly Json[] => [
  ...(plain[kind] ?? []),
  ...recorded.filter((parent) => parent.kind === kind).map(({ spec }) => spec),
]

const parsed = configOf({ registry: { prefix: 'registry.example.com/substratus' } })
if ('errors' in parsed) throw new Error(JSON.stringify(parsed.errors))
const { config } = parsed

let ns: string
let enforcing: string
let facts: Readonly<Record<string, Parent | null>>
beforeAll(async () => {
  ns = await namespace('oracle')
  enforcing = await namespace('oracle-enforcing')
  const label = 'pod-security.kubernetes.io/enforce=baseline'
  await ok(['label', 'namespace', enforcing, label])
  await apply(
    ns,
    manifest('Model', 'base', { image: 'example.com/base:1' }),
    manifest('Dataset', 'squad', { source: 'https://example.com/squad' }),
  )
  // It never has a result: what is known of it here stays true.
  const adapter = { image: 'example.com/a:1', model: { name: 'base' }, suspend: true }
  await apply(ns, manifest('Model', 'polite', adapter))
  facts = {
    'Model/base': await get(ns, 'model/base'),
    'Dataset/squad': await get(ns, 'dataset/squad'),
    'Model/polite': await get(ns, 'model/polite'),
  }
})

interface Verdict {
  /** What refuses it. */
  readonly by: 'nobody' | 'the definition' | 'admission'
  readonly fields: readonly string[]
  readonly words: string
}

/** One for all requests, so that their connections are kept. */
const kubeConfig = kubeConfigOf(inject('cluster').kubeconfig)

/** Does it for each item, for sixteen at a time; the results are in the order of the items. */
async function forEach<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const worker = async (): Promise<void> => {
    for (const [at, item] of left) results[at] = await act(item)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  return results
}

/** How the API server answers a dry run of the creation. */
async function asked(kind: Kind, object: Json): Promise<Verdict> {
  const path = `/apis/substratus.ai/v1/namespaces/${ns}/${kind.plural}?dryRun=All&fieldValidation=Strict`
  try {
    await create(kubeConfig, path, object)
    return { by: 'nobody', fields: [], words: '' }
  } catch (error) {
    const { message, details } = JSON.parse((error as HttpError).body)
    const fields = (details?.causes ?? []).map(({ field }: Json) => field ?? '')
    const isOurs = /^admission webhook /.test(message)
    return { by: isOurs ? 'admission' : 'the definition', fields, words: message }
  }
}

/** What this project says to the same objects, in process. */
function expected(kind: Kind, objects: readonly Json[]): readonly Verdict[] {
  const folder = mkdtempSync(join(tmpdir(), 'substratus-oracle-'))
  try {
    return objects.map((object) => {
      const file = join(folder, 'object.json')
      writeFileSync(file, JSON.stringify(object))
      const { manifests, errors } = readManifests(file)
      const [read] = manifests
      if (!read) {
        const fields = errors.flatMap((error) => / (metadata\S*): /.exec(error)?.[1] ?? [])
        return { by: 'the definition', fields, words: errors.join('; ') }
      }
      const wrong = [...read.faults, ...validatorOf(kind)(visible(read.object))]
      const found = check(
        kind,
        { object: read.object, dryRun: true },
        config,
        factsFor(read.object),
      )
      const all = wrong.length ? wrong : found.errors
      return {
        by: wrong.length ? 'the definition' : found.errors.length ? 'admission' : 'nobody',
        fields: all.map(({ field }) => field),
        words: all.map(({ field, message }) => `${field}: ${message}`).join('; '),
      }
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Any other object is known not to exist. */
const factsFor = (_object: Parent) =>
  new Proxy(facts, { get: (known, name) => Reflect.get(known, name) ?? null, has: () => true })

/**
 * The API server says <nil> for rules that it has skipped, does not number owners, and names the replicas of
 * the subresource scale with a dot.
 */
const namedBy = ({ fields }: Verdict): readonly string[] =>
  fields
    .filter((field) => field !== '<nil>')
    .map((field) => field.replace(/^(metadata\.ownerReferences)\[\d+\]/, '$1').replace(/^\./, ''))

/** `substratus validate` reads no further then, and neither does kubectl. */
const isNameless = ({ words }: Verdict): boolean => words.endsWith('metadata.name: Required value')

/**
 * Both refuse it in the same place, and ours names every field that the API server names. A number that is
 * no int32 does not keep the API server from running the rules of the object around it.
 */
const agree = (ours: Verdict | undefined, theirs: Verdict | undefined): boolean => {
  if (!ours || !theirs || ours.by !== theirs.by) return false
  const known = namedBy(ours)
  return (
    theirs.by !== 'the definition' ||
    isNameless(ours) ||
    namedBy(theirs).every((field) =>
      known.some((one) => one === field || one.startsWith(`${field}.`)),
    )
  )
}

const paths = new Map(
  [...childrenOfAll, { apiVersion: 'v1', kind: 'Pod', resource: 'pods' }].map(
    ({ apiVersion, kind, resource }) => [
      kind,
      (namespace: string) =>
        `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}/namespaces/${namespace}/${resource}`,
    ],
  ),
)

/** What an accepted object becomes: every child of all its stages, and the Pods that they make. */
function childrenFor(object: Json): readonly Child[] {
  const others = Object.values(facts).filter((one) => one !== null)
  const mine = { ...object, metadata: { ...object.metadata, namespace: ns, uid: 'a-uid' } }
  const children = simulate([...others, mine], config, false).at(-1)?.children ?? []
  return (children as readonly Child[]).flatMap((child) => {
    const { template } = child.spec ?? {}
    const metadata = { name: child.metadata.name, ...template?.metadata }
    return template?.spec
      ? [child, { apiVersion: 'v1', kind: 'Pod', metadata, spec: template.spec }]
      : [child]
  })
}

/** Rootless builds need more than Pod Security baseline, as docs/security.md says. */
const isBuild = ({ metadata }: Child): boolean =>
  metadata.labels?.['substratus.ai/stage'] === 'build'

/** Why the API server refuses a child, in a namespace that enforces the promised Pod Security level. */
async function refusalOf(child: Child): Promise<string | undefined> {
  const namespace = isBuild(child) ? ns : enforcing
  const { ownerReferences: _, ...metadata } = child.metadata as Json
  const path = `${paths.get(child.kind)?.(namespace)}?dryRun=All&fieldValidation=Strict`
  try {
    const manifest = { ...child, metadata: { ...metadata, namespace } }
    await create(kubeConfig, path, manifest)
    return undefined
  } catch (error) {
    return (error as HttpError).body
  }
}

describe.each(kinds)('$kind', (kind) => {
  test(`${runs} objects get the same verdict as from the API server`, async () => {
    const objects = fc.sample(aroundSchema(kind, validOf(kind)), { seed, numRuns: runs })
    const ours = expected(kind, objects)
    const theirs = await forEach(objects, (one) => asked(kind, one))
    const differing = objects.flatMap((object, at) =>
      agree(ours[at], theirs[at])
        ? []
        : [{ object: JSON.stringify(object), ours: ours[at], theirs: theirs[at] }],
    )
    expect(differing).toEqual([])
    const count = (by: Verdict['by']) => theirs.filter((verdict) => verdict.by === by).length
    console.log(
      `${kind.kind}: ${count('nobody')} accepted, ${count('the definition')} refused by the definition, ${count('admission')} by admission`,
    )
    for (const by of ['nobody', 'the definition'] as const)
      expect(count(by)).toBeGreaterThan(runs / 8)

    const accepted = objects.filter((_, at) => theirs[at]?.by === 'nobody')
    const manifests = accepted.flatMap((object) =>
      childrenFor(object).map((child) => ({ object, child })),
    )
    const refusals = await forEach(manifests, async ({ object, child }) => {
      const words = await refusalOf(child)
      return words && `${JSON.stringify(object)}: ${child.kind}: ${words}`
    })
    expect(refusals.filter(Boolean)).toEqual([])
    console.log(`${kind.kind}: ${manifests.length} children and Pods`)
  })
})
