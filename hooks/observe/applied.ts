import { isObject, type JsonObject } from '../../crds/schema/json.ts'
import type { Child } from './protocol.ts'

/**
 * What Metacontroller last applied. It records that in an annotation of the child, which anyone who
 * may edit the child can change. Metacontroller applies our response with its own rights. Therefore
 * nothing from the annotation may reach a response unless the child itself contains it.
 */

export const lastApplied = 'metacontroller.k8s.io/last-applied-configuration'

/**
 * `unreadable`: Metacontroller cannot parse it either, and no longer applies changes to the child.
 * `excessive`: it has more values than the children of one object may have, so it is not parsed.
 */
type Applied = JsonObject | 'none' | 'unreadable' | 'excessive'

/** Parsed once per observed child, although an answer uses it more than once. */
const known = new WeakMap<Child, Applied>()

function appliedTo(child: Child): Applied {
  const text = child.metadata.annotations?.[lastApplied]
  const applied =
    known.get(child) ?? (isWithin(budgets.get(child), text) ? read(text) : 'excessive')
  known.set(child, applied)
  return applied
}

/** Up to this many bytes for the children of one object, which our largest never reach, no text is scanned. */
const freeBytes = 512 * 1024

/** JSON.parse takes about 0.1 s for this many values. Twenty of our children have a few thousand. */
const mostValues = 200_000

/** How many values the annotations of all children of a request may still have together. */
interface Budget {
  left: number
}

const budgets = new WeakMap<Child, Budget>()

/**
 * Limits what the annotations of all children together cost: 7 MiB of them can contain two million
 * empty objects. Those that are read beyond the limit count as excessive. Of a thousand old Jobs hardly
 * any is read, so that values are counted only then.
 */
export function limitReading(children: readonly Child[]): void {
  let bytes = 0
  for (const { metadata } of children) bytes += metadata.annotations?.[lastApplied]?.length ?? 0
  if (bytes <= freeBytes) return
  const budget = { left: mostValues }
  for (const child of children) budgets.set(child, budget)
}

function isWithin(budget: Budget | undefined, text: string | undefined): boolean {
  if (budget && text) budget.left -= valuesIn(text)
  return !budget || budget.left >= 0
}

/** An upper bound: a comma, or the beginning of a list or an object, may also be inside a string. */
function valuesIn(text: string): number {
  let values = 1
  for (let at = 0; at < text.length; at++) {
    const mark = text.charCodeAt(at)
    if (mark === comma || mark === list || mark === map) values++
  }
  return values
}

const [comma = 0, list = 0, map = 0] = [...',[{'].map((mark) => mark.charCodeAt(0))

/** As Metacontroller reads it: empty and `null` mean none, and anything but an object is an error. */
function read(text: string | undefined): Applied {
  if (!text) return 'none'
  try {
    const value: unknown = JSON.parse(text)
    if (value === null) return 'none'
    return isObject(value) && !isRefusedByGo(text, value) ? value : 'unreadable'
  } catch {
    return 'unreadable'
  }
}

/** Go's decoder refuses some JSON that JSON.parse accepts: numbers beyond a float64, 10,000 levels. */
const isRefusedByGo = (text: string, value: JsonObject): boolean =>
  // Only with an exponent of three digits, or with so many digits, can a number be too large.
  (/[:,[\s]-?\d(?:[\d.]*[eE]\+?\d{3}|\d{200})/.test(text) && hasInfinity(value)) ||
  (text.length > 2 * deepest && depthOf(text) > deepest)

const deepest = 10_000

/** Without recursion: the value may be as deep as its text is long. */
function hasInfinity(value: JsonObject): boolean {
  const open: unknown[] = [value]
  for (let inner = open.pop(); inner !== undefined; inner = open.pop()) {
    if (inner === Number.POSITIVE_INFINITY || inner === Number.NEGATIVE_INFINITY) return true
    if (typeof inner === 'object' && inner !== null)
      for (const item of Object.values(inner)) open.push(item)
  }
  return false
}

/** How deep a JSON text nests. Every long annotation is scanned, so this goes character by character. */
function depthOf(text: string): number {
  let depth = 0
  let most = 0
  let isInString = false
  for (let at = 0; at < text.length; at++) {
    const mark = text[at]
    if (isInString) {
      if (mark === '\\') at++
      else if (mark === '"') isInString = false
    } else if (mark === '"') isInString = true
    else if (mark === '[' || mark === '{') most = Math.max(most, ++depth)
    else if (mark === ']' || mark === '}') depth--
  }
  return most
}

/** Why the annotation cannot be read, which lasts until somebody removes it; undefined if it can. */
export function faultIn(child: Child): string | undefined {
  switch (appliedTo(child)) {
    case 'unreadable':
      return 'is not a JSON object'
    case 'excessive':
      return 'contains too much to be read'
  }
  return undefined
}

/**
 * An existing child as it was last applied, with only `fields` of its spec changed, so that a new version
 * of this software or a changed configuration does not affect running work. `undefined` removes a field.
 *
 * Identity and the values of labels and annotations come from the observed child. The annotation says
 * only which of them are ours. Its spec is used if the observed spec contains it (apart from `fields`).
 * Otherwise somebody has forged it, and the observed spec is returned instead.
 */
export function asApplied(child: Child, fields: JsonObject = {}): Child {
  const { apiVersion, kind, metadata, spec } = child
  const applied = appliedTo(child)
  // Without having read it, everything may be ours: Metacontroller would remove what is left out.
  const unread = applied === 'excessive' ? { metadata } : {}
  const { metadata: ours, spec: appliedSpec }: JsonObject = isObject(applied) ? applied : unread
  const { labels, annotations } = isObject(ours) ? ours : {}
  const base = isObject(appliedSpec) && isIn(child, appliedSpec, fields) ? appliedSpec : spec
  return {
    apiVersion,
    kind,
    metadata: {
      name: metadata.name,
      // Empty rather than absent: without the field, Metacontroller would remove everyone else's too.
      ...(isObject(labels) && { labels: sharedKeys(metadata.labels, labels) }),
      ...(isObject(annotations) && { annotations: sharedKeys(metadata.annotations, annotations) }),
    },
    ...(base !== undefined && { spec: withoutUndefined({ ...base, ...fields }) }),
  }
}

/**
 * The Pod template as it was last applied. Comparing with it is always safe. It may be emitted only if
 * the observed spec still contains it: otherwise somebody has changed one of the two.
 */
export function lastTemplate(child: Child): unknown {
  const applied = appliedTo(child)
  return isObject(applied) && isObject(applied.spec) && Object.hasOwn(applied.spec, 'template')
    ? applied.spec.template
    : undefined
}

/** Whether the observed spec still contains it. */
export const isTemplateIntact = (child: Child, template: unknown): boolean =>
  contained.get(child) === true ||
  contains((child.spec as JsonObject | undefined)?.template, template)

/** Whether the observed spec contains the applied one, completely (compared once) or without `fields`. */
function isIn(child: Child, applied: JsonObject, fields: JsonObject): boolean {
  const whole = contained.get(child) ?? contains(child.spec, applied)
  contained.set(child, whole)
  return whole || contains(child.spec, without(applied, fields))
}

const contained = new WeakMap<Child, boolean>()

/** The observed entries whose keys were applied; no key or value is taken from the annotation alone. */
const sharedKeys = (observed: Readonly<Record<string, string>> = {}, applied: JsonObject) =>
  Object.fromEntries(
    Object.entries(observed).filter(([key]) => Object.hasOwn(applied, key) && key !== lastApplied),
  )

/** No manifest of ours is deeper; the limit protects the stack. */
const deepestSpec = 64

/** The most fields and items to compare: many times what a manifest of ours has. */
const mostCompared = 100_000

/**
 * Whether the observed value contains everything that was applied. It uses loops for speed, because
 * every answer compares each child that is emitted as it was applied.
 */
function contains(
  observed: unknown,
  applied: unknown,
  budget = { left: mostCompared },
  depth = 0,
): boolean {
  if (typeof applied !== 'object' || applied === null) return observed === applied
  if (depth > deepestSpec || budget.left < 0) return false
  if (Array.isArray(applied))
    return Array.isArray(observed) && containsItems(observed, applied, budget, depth + 1)
  if (!isObject(observed)) return false
  const keys = Object.keys(applied)
  budget.left -= keys.length
  for (const key of keys) {
    if (!Object.hasOwn(observed, key)) return false
    if (!contains(observed[key], (applied as JsonObject)[key], budget, depth + 1)) return false
  }
  return true
}

/**
 * Metacontroller merges lists by the first of these fields that all items have, and appends new items.
 * https://github.com/metacontroller/metacontroller/blob/master/pkg/dynamic/apply/apply.go
 */
export const mergeKeys = ['containerPort', 'port', 'mountPath', 'name', 'uid', 'ip', 'path']

function mergeKeyOf(observed: readonly unknown[], applied: readonly unknown[]): string | undefined {
  if (!isObject(applied[0])) return undefined
  const hasKey = (key: string) => (item: unknown) => isObject(item) && Object.hasOwn(item, key)
  return mergeKeys.find(
    (key) => hasKey(key)(applied[0]) && applied.every(hasKey(key)) && observed.every(hasKey(key)),
  )
}

/** Others may have added items, as a queue adds tolerations. Items without a key keep their order. */
function containsItems(
  observed: readonly unknown[],
  applied: readonly unknown[],
  budget: { left: number },
  depth: number,
): boolean {
  budget.left -= observed.length + applied.length
  if (budget.left < 0) return false
  const key = mergeKeyOf(observed, applied)
  if (key) {
    const byKey = new Map(observed.map((item) => [(item as JsonObject)[key], item]))
    return applied.every((item) =>
      contains(byKey.get((item as JsonObject)[key]), item, budget, depth),
    )
  }
  let next = 0
  for (const item of observed)
    if (next < applied.length && contains(item, applied[next], budget, depth)) next++
  return next === applied.length
}

const without = (object: JsonObject, fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !Object.hasOwn(fields, key)))

const withoutUndefined = (object: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
