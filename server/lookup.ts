import type { KubeConfig } from '@kubernetes/client-node'
import { codeOf, read } from '../cluster/exchange.ts'
import { group, type Parent, version } from '../crds/kind.ts'
import { kindNamed, kindOf } from '../crds/kinds.ts'
import type { ReferredKind } from '../crds/rule.ts'
import { baseOf, type Facts, longestChain, neededOf, type Reference } from '../webhooks/facts.ts'
import type { AdmissionRequest } from '../webhooks/review.ts'
import { admissionRules } from '../webhooks/rules/admission.ts'
import { orLate } from './late.ts'

/** Returns the object, or null if it does not exist. */
export type Lookup = (kind: ReferredKind, namespace: string, name: string) => Promise<Parent | null>

/** Returns the ModelServers of a Model, up to a limit. */
export type FindServers = (
  kind: ReferredKind,
  namespace: string,
  name: string,
) => Promise<readonly Parent[]>

/** Less than the 5 s that the API server gives the webhook, so that the log says what was slow. */
const patienceMilliseconds = 4000

/** Each look-up is a live GET: a cache could be stale when a user applies one file after another. */
export function clusterLookup(kubeConfig: KubeConfig, patience = patienceMilliseconds): Lookup {
  return async (kind, namespace, name) => {
    const path = `${collectionOf(kind, namespace)}/${encodeURIComponent(name)}`
    try {
      const answer = (signal: AbortSignal) => read<Parent>(kubeConfig, path, {}, { signal })
      return await inTime(answer, patience, `${kind} "${name}"`)
    } catch (error) {
      if (codeOf(error) === 404) return null
      throw error
    }
  }
}

const collectionOf = (kind: Parent['kind'], namespace: string): string =>
  `/apis/${group}/${version}/namespaces/${encodeURIComponent(namespace)}/${kindNamed(kind).plural}`

/** More servers than ever share a claim. The CRD makes the reference selectable: no others are read. */
const mostServers = 20

export function clusterServers(
  kubeConfig: KubeConfig,
  patience = patienceMilliseconds,
): FindServers {
  return async (_kind, namespace, name) => {
    const path = collectionOf('ModelServer', namespace)
    const query = { fieldSelector: `spec.model.name=${name}`, limit: String(mostServers) }
    const answer = (signal: AbortSignal) => read<Page>(kubeConfig, path, query, { signal })
    const { items } = await inTime(answer, patience, `the ModelServers of Model "${name}"`)
    return items
  }
}

interface Page {
  readonly items: readonly Parent[]
}

/** Limits the time of a request, and ends one that takes longer. */
async function inTime<T>(
  request: (signal: AbortSignal) => Promise<T>,
  milliseconds: number,
  what: string,
): Promise<T> {
  const abort = new AbortController()
  const answer = await orLate(request(abort.signal), milliseconds)
  if (answer !== undefined) return answer
  abort.abort()
  throw new Error(`the API server did not answer in time when asked for ${what}`)
}

interface LookupOptions {
  readonly patience?: number
  /** If absent, rules about the other servers of a Model find none. */
  readonly servers?: FindServers | undefined
}

/**
 * Looks up everything that the rules need for a change, and the bases if a rule follows them. Returns
 * at once if nothing is needed, as for most changes.
 */
export function factsFor(
  request: AdmissionRequest,
  lookup: Lookup,
  { patience = patienceMilliseconds, servers }: LookupOptions = {},
): Facts | Promise<Facts> {
  const { object, oldObject, operation } = request
  if (!object || !kindOf(object.kind) || operation === 'DELETE') return {}
  const namespace = request.namespace ?? object.metadata.namespace ?? 'default'
  const needed = new Map<string, Reference>()
  let followsBases = false
  let servedBy: Served | undefined
  for (const { needs } of admissionRules) {
    const references = needs ? neededOf(needs, { object, oldObject }) : []
    for (const reference of references) needed.set(`${reference.kind}/${reference.name}`, reference)
    if (needs?.withBases && references.length) followsBases = true
    const [first] = references
    if (needs?.withServers && first) servedBy = served(servedBy, first.name, needs.withServers)
  }
  if (!needed.size) return {}
  const find = (of: ReferredKind, name: string) => lookup(of, namespace, name)
  const end = performance.now() + patience
  const found = lookedUp(followsBases ? object : undefined, [...needed.values()], find, end)
  if (!servedBy || !servers) return found
  return withServers(found, servedBy, (name) => servers('Model', namespace, name), end)
}

/** The Model whose other servers a rule needs. */
interface Served {
  readonly model: string
  readonly areNeeded: (model: Parent) => boolean
}

/** Several rules may need the servers, each if its own condition holds. */
const served = (
  before: Served | undefined,
  model: string,
  areNeeded: Served['areNeeded'],
): Served => ({ model, areNeeded: (one) => before?.areNeeded(one) || areNeeded(one) })

/** Adds the servers of the Model. If the look-up fails, none are known, and no rule is broken. */
async function withServers(
  found: Promise<Facts>,
  { model: name, areNeeded }: Served,
  find: (model: string) => Promise<readonly Parent[]>,
  end: number,
): Promise<Facts> {
  const facts = await found
  const model = facts[`Model/${name}`]
  if (!model || !areNeeded(model)) return facts
  const answer = find(name).catch(() => undefined)
  const servers = (await orLate(answer, end - performance.now())) ?? []
  return {
    ...facts,
    ...Object.fromEntries(servers.map((one) => [`ModelServer/${one.metadata.name}`, one])),
  }
}

/**
 * Looks up the references, and the bases `of` a Model as far as a cycle could reach and time suffices.
 * Bases are looked up one after another. If time runs out, admission reports no cycle; sync does.
 */
async function lookedUp(
  of: Parent | undefined,
  needed: readonly Reference[],
  lookup: (kind: ReferredKind, name: string) => Promise<Parent | null>,
  end: number,
): Promise<Facts> {
  const facts: Record<string, Parent | null> = {}
  await Promise.all(
    needed.map(async ({ kind, name }) => {
      facts[`${kind}/${name}`] = await lookup(kind, name)
    }),
  )
  let base = baseOf(of)
  for (let hops = 0; base && base !== of?.metadata.name && hops < longestChain; hops++) {
    const found: Parent | null | undefined = facts[`Model/${base}`]
    const next = baseOf(found)
    if (!next || next === of?.metadata.name || facts[`Model/${next}`] !== undefined) break
    const known = await orLate(lookup('Model', next), end - performance.now())
    if (known === undefined) break
    facts[`Model/${next}`] = known
    base = next
  }
  return facts
}
