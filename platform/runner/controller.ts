import { isDeepStrictEqual } from 'node:util'
import type { KubeConfig } from '@kubernetes/client-node'
import { codeOf, exchange, type HttpError } from '../../cluster/exchange.ts'
import { keyOf } from '../../cluster/watch.ts'
import { groupOf, isOwnedBy } from './childchanges.ts'
import { manageChildren } from './children.ts'
import { queueOf } from './queue.ts'
import { type Obj, pathOf, type Resource, type ResourceRule, type Rest } from './rest.ts'
import { type Store, watch } from './store.ts'

export type Log = (fields: object, message: string) => void

/** Part of a response of customize: objects that the parent refers to, by name. */
interface RelatedRule extends ResourceRule {
  readonly namespace?: string
  readonly names?: readonly string[]
}

type SecretRef = Readonly<Record<'namespace' | 'name' | 'key', string>>

interface Webhook {
  readonly url: string
  readonly caBundle?: { readonly inline?: string }
  readonly authorization?: { readonly secretRef: SecretRef }
}

interface CompositeSpec {
  readonly parentResource: ResourceRule & { readonly ignoreStatusChanges?: boolean }
  readonly childResources: readonly ResourceRule[]
  readonly hooks: Readonly<Record<'sync' | 'customize', { readonly webhook: Webhook }>>
}

/** The response of either hook. */
interface Answer {
  readonly relatedResources?: readonly RelatedRule[]
  readonly status?: object
  readonly children?: readonly Obj[]
  readonly resyncAfterSeconds?: number
}

/** A hook as a function. Like Metacontroller, it reads the token once. */
async function callOf(rest: Rest, { url, caBundle, authorization }: Webhook) {
  const headers = authorization && { authorization: await bearer(rest, authorization.secretRef) }
  const options = { method: 'POST', timeout: 10_000, ca: caBundle?.inline, headers }
  return (body: object) => exchange<Answer>(url, options, body)
}

async function bearer(rest: Rest, { namespace, name, key }: SecretRef) {
  const path = `/api/v1/namespaces/${namespace}/secrets/${name}`
  const { data } = await rest.call<{ data: Record<string, string> }>('GET', path)
  return `Bearer ${Buffer.from(data[key] ?? '', 'base64')}`
}

/** Runs one CompositeController until the process ends. */
export async function startController(
  kubeConfig: KubeConfig,
  rest: Rest,
  controller: Obj,
  log: Log,
): Promise<void> {
  const { hooks, ...spec } = controller.spec as CompositeSpec
  const parentResource = await rest.discover(spec.parentResource)
  const resources = await Promise.all(spec.childResources.map(rest.discover))
  const callSync = await callOf(rest, hooks.sync.webhook)
  const callCustomize = await callOf(rest, hooks.customize.webhook)
  const stores = new Map<string, Promise<Store>>()
  const rulesByParent = new Map<
    string,
    { readonly of: string; readonly rules: readonly RelatedRule[] }
  >()

  const queue = queueOf(sync, (parent, error, seconds) => {
    log({ controller: controller.metadata.name, parent, error: String(error) }, 'sync failed')
    return codeOf(error) === 429 ? (error as HttpError).retryAfter : seconds
  })
  const isOnlyStatus = statusFilter()
  const changed = (object: Obj): void => {
    const { namespace, ownerReferences = [] } = object.metadata
    const isParent = groupOf(object) === groupOf(parentResource)
    if (isParent && !(spec.parentResource.ignoreStatusChanges && isOnlyStatus(object)))
      queue.add(keyOf(object))
    for (const { name, controller: owns } of ownerReferences)
      if (owns) queue.add(namespace ? `${namespace}/${name}` : name)
    for (const [key, { rules }] of rulesByParent)
      if (rules.some((rule) => matches(rule, object))) queue.add(key)
  }
  /** Resolves after the first list, so that no sync sees an incomplete store. */
  const storeOf = (rule: ResourceRule): Promise<Store> => {
    const id = `${rule.apiVersion}/${rule.resource}`
    const begin = async () => watch(kubeConfig, await rest.discover(rule), changed, log)
    const found = stores.get(id) ?? begin()
    stores.set(id, found)
    return found
  }

  /** customize is called once per generation of a parent. */
  async function rulesOf(parent: Obj): Promise<readonly RelatedRule[]> {
    const of = `${parent.metadata.uid}/${parent.metadata.generation}`
    const known = rulesByParent.get(keyOf(parent))
    if (known?.of === of) return known.rules
    const { relatedResources: rules = [] } = await callCustomize({ controller, parent })
    rulesByParent.set(keyOf(parent), { of, rules })
    return rules
  }

  async function sync(key: string): Promise<number | undefined> {
    const parent = (await storeOf(spec.parentResource)).get(key)
    if (!parent) rulesByParent.delete(key)
    if (!parent || parent.metadata.deletionTimestamp) return undefined
    const rules = await rulesOf(parent)
    const children = await grouped(spec.childResources, (object) => isOwnedBy(object, parent))
    const related = await grouped(rules, (object) => rules.some((rule) => matches(rule, object)))
    const request = { controller, parent, children, related, finalizing: false }
    const answer = await callSync(request)
    const observed = Object.values(children).flatMap((group) => Object.values(group))
    const errors = await manageChildren(rest, parent, observed, answer.children ?? [], resources)
    await writeStatus(rest, parentResource, parent, answer.status ?? {})
    if (errors.length) throw errors[0]
    return answer.resyncAfterSeconds
  }

  const grouped = async (rules: readonly ResourceRule[], wanted: (object: Obj) => boolean) => {
    const groups: Record<string, Record<string, Obj>> = {}
    for (const rule of rules) {
      const { resource, all } = await storeOf(rule)
      const objects = all().filter(wanted)
      groups[groupOf(resource)] = Object.fromEntries(objects.map((one) => [keyOf(one), one]))
    }
    return groups
  }

  for (const rule of [...spec.childResources, spec.parentResource]) await storeOf(rule)
  log({ controller: controller.metadata.name }, 'started')
}

/** Tells whether a parent differs from what was seen of it last in its status alone. */
function statusFilter(): (parent: Obj) => boolean {
  const seen = new Map<string, unknown>()
  return (parent) => {
    const { uid, generation, labels, annotations, deletionTimestamp } = parent.metadata
    const now = { uid, generation, labels, annotations, deletionTimestamp }
    const isSame = isDeepStrictEqual(seen.get(keyOf(parent)), now)
    seen.set(keyOf(parent), now)
    return isSame
  }
}

/** Kinds are compared by resource name: `models` is the plural of `Model`. */
const matches = (rule: RelatedRule, { apiVersion, kind, metadata }: Obj): boolean =>
  rule.apiVersion === apiVersion &&
  rule.resource === `${kind.toLowerCase()}s` &&
  (rule.namespace === undefined || rule.namespace === metadata.namespace) &&
  (rule.names === undefined || rule.names.includes(metadata.name))

/** The status of the response replaces the old one completely; if they are equal, nothing is written. */
async function writeStatus(rest: Rest, resource: Resource, parent: Obj, answer: object) {
  const { namespace, name, generation } = parent.metadata
  const status = { ...answer, observedGeneration: generation }
  if (isDeepStrictEqual(parent.status, status)) return
  const path = `${pathOf(resource, namespace, name)}/status`
  await rest.call('PUT', path, { ...parent, status }).catch((error: unknown) => {
    if (codeOf(error) !== 404) throw error
  })
}
