import { isObject, type JsonObject } from '../crds/schema/json.ts'
import type { FieldError } from '../crds/schema/validator.ts'

/**
 * What the API server requires of the metadata of any object, once its types are right; only commands
 * that run without a cluster need it.
 * https://github.com/kubernetes/apimachinery/blob/master/pkg/api/validation/objectmeta.go
 */
export const metadataErrors = (metadata: JsonObject): readonly FieldError[] =>
  checks.flatMap((check) => check(metadata))

type Check = (metadata: JsonObject) => readonly FieldError[]

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const plainName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

const isDnsSubdomain = (text: string): boolean => text.length <= 253 && dnsSubdomain.test(text)

/** The name of a label, an annotation or a finalizer: PREFIX/NAME or NAME. */
const isQualified = (text: string): boolean => {
  const parts = text.split('/')
  const name = parts.at(-1) ?? ''
  return (
    parts.length <= 2 &&
    name.length <= 63 &&
    plainName.test(name) &&
    (parts.length === 1 || isDnsSubdomain(parts[0] ?? ''))
  )
}

const isLabelValue = (text: string): boolean =>
  text === '' || (text.length <= 63 && plainName.test(text))

const invalid = (field: string, value: string, rule: string): FieldError => ({
  field,
  message: `Invalid value: ${JSON.stringify(value.slice(0, 100))}: ${rule}`,
})

const qualifiedRule =
  'must be NAME or PREFIX/NAME: a NAME of at most 63 characters out of A-Z, a-z, 0-9, "-", "_" and ".", beginning and ending with a letter or digit, and a PREFIX that is a DNS name'

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
const entriesOf = (value: unknown): readonly (readonly [string, string])[] =>
  Object.entries(isObject(value) ? value : {}).map(([name, text]) => [name, textOf(text)])
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const generateName: Check = ({ generateName }) => {
  const given = textOf(generateName)
  // A trailing "-" is replaced by what is generated.
  const masked = given.length > 1 ? given.replace(/-$/, 'a') : given
  return given === '' || isDnsSubdomain(masked)
    ? []
    : [invalid('metadata.generateName', given, 'must be the beginning of a DNS name')]
}

const namespace: Check = ({ namespace }) => {
  const given = textOf(namespace)
  return given === '' || (given.length <= 63 && dnsLabel.test(given))
    ? []
    : [invalid('metadata.namespace', given, 'must be the name of a namespace')]
}

const labels: Check = ({ labels }) =>
  entriesOf(labels).flatMap(([name, value]) => [
    ...(isQualified(name) ? [] : [invalid('metadata.labels', name, qualifiedRule)]),
    ...(isLabelValue(value)
      ? []
      : [
          invalid(
            'metadata.labels',
            value,
            'a label is empty, or has at most 63 characters out of A-Z, a-z, 0-9, "-", "_" and ".", beginning and ending with a letter or digit',
          ),
        ]),
  ])

/** Names and values together. */
const mostAnnotationBytes = 256 * 1024

const annotations: Check = ({ annotations }) => {
  const all = entriesOf(annotations)
  const bytes = Buffer.byteLength(all.flat().join(''))
  return [
    ...all
      .filter(([name]) => !isQualified(name.toLowerCase()))
      .map(([name]) => invalid('metadata.annotations', name, qualifiedRule)),
    ...(bytes > mostAnnotationBytes
      ? [{ field: 'metadata.annotations', message: 'Too long: may not be more than 262144 bytes' }]
      : []),
  ]
}

const finalizers: Check = ({ finalizers }) => {
  const all = listOf(finalizers).map(textOf)
  return [
    ...all
      .filter((name) => !isQualified(name))
      .map((name) => invalid('metadata.finalizers', name, qualifiedRule)),
    ...(all.includes('orphan') && all.includes('foregroundDeletion')
      ? [
          invalid(
            'metadata.finalizers',
            all.join(),
            'orphan and foregroundDeletion cannot be combined',
          ),
        ]
      : []),
  ]
}

const ownerReferences: Check = ({ ownerReferences }) => {
  const owners = listOf(ownerReferences).map((one) => (isObject(one) ? one : {}))
  const controllers = owners.filter(({ controller }) => controller === true)
  return [
    ...owners.flatMap((one, index) => ownerErrors(one, `metadata.ownerReferences[${index}]`)),
    ...(controllers.length > 1
      ? [
          {
            field: 'metadata.ownerReferences',
            message: 'Invalid value: only one may be the controller',
          },
        ]
      : []),
  ]
}

const ownerErrors = (owner: JsonObject, field: string): readonly FieldError[] => {
  const apiVersion = textOf(owner.apiVersion)
  const missing = ['kind', 'name', 'uid'].filter((name) => !textOf(owner[name]))
  return [
    ...(/^([^/]*\/)?[^/]+$/.test(apiVersion)
      ? []
      : [invalid(`${field}.apiVersion`, apiVersion, 'must be GROUP/VERSION, or v1')]),
    ...missing.map((name) => ({ field: `${field}.${name}`, message: 'Required value' })),
    ...(apiVersion === 'v1' && owner.kind === 'Event'
      ? [invalid(field, 'Event', 'an Event cannot be an owner')]
      : []),
  ]
}

const checks: readonly Check[] = [
  generateName,
  namespace,
  labels,
  annotations,
  finalizers,
  ownerReferences,
]
