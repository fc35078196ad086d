import { annotations, group } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import type { BodyKind } from './route.ts'

/**
 * Decides which bodies are passed on to the API server. They are written again from what was understood, so
 * that no field is passed on that is not in these tables.
 */

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The annotations by which a person asks for something. */
const requests: readonly string[] = [annotations.rerun, annotations.rollout, annotations.opened]

/** No control characters; the page writes times. */
const isWord = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x20-\x7e]{1,63}$/.test(value)

/** As long as the API server takes it. */
const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z0-9][-a-z0-9.]{0,252}$/.test(value)

/** `{spec: {suspend}}`, or one of the annotations. */
function changeFrom(value: Fields): Fields | undefined {
  const [field, ...others] = Object.keys(value)
  if (others.length) return undefined
  if (field === 'spec') {
    const { spec } = value
    if (!isFields(spec) || Object.keys(spec).join() !== 'suspend') return undefined
    return typeof spec.suspend === 'boolean' ? { spec: { suspend: spec.suspend } } : undefined
  }
  const { metadata } = value
  if (!isFields(metadata) || Object.keys(metadata).join() !== 'annotations') return undefined
  const given = isFields(metadata.annotations) ? Object.entries(metadata.annotations) : []
  const [[key, word] = ['', '']] = given
  return given.length === 1 && requests.includes(key) && isWord(word)
    ? { metadata: { annotations: { [key]: word } } }
    : undefined
}

/** What the page asks about: changes of the four kinds, logs, and the forwarding of ports. */
const questions: ReadonlySet<string> = new Set([
  ...kinds.map(({ plural }) => `patch ${group} ${plural} `),
  'get  pods log',
  'create  pods portforward',
])

/** `{namespace, verb, group, resource, subresource, name}`: may this person do that? */
function reviewFrom({ spec }: Fields, ownNamespace: string): Fields | undefined {
  if (!isFields(spec) || !isFields(spec.resourceAttributes)) return undefined
  const { namespace, verb, group = '', resource, subresource = '', name } = spec.resourceAttributes
  if (!questions.has([verb, group, resource, subresource].join(' '))) return undefined
  if (namespace !== ownNamespace) return undefined
  if (name !== undefined && !isName(name)) return undefined
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { namespace, verb, group, resource, subresource, name } },
  }
}

/** The body to send, or a sentence. */
export function bodyFrom(
  kind: BodyKind,
  text: string,
  namespace: string,
): { readonly body: string } | { readonly wrong: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { wrong: 'the body is not JSON' }
  }
  const fields = isFields(value) ? value : {}
  const body = kind === 'change' ? changeFrom(fields) : reviewFrom(fields, namespace)
  if (body) return { body: JSON.stringify(body) }
  return {
    wrong:
      kind === 'change'
        ? 'the page changes only spec.suspend, and the annotations that rerun, roll out or open'
        : 'the page does not ask about this right',
  }
}
