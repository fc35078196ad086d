import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { group, type Parent } from '../crds/kind.ts'
import { kindNamed, kindOf } from '../crds/kinds.ts'
import { isObject } from '../crds/schema/json.ts'
import { type FieldError, sentence } from '../crds/schema/validator.ts'
import { decoded } from './encoding.ts'
import { contentOf, documentsIn } from './kubectlyaml.ts'
import { metadataErrors } from './metadatarules.ts'
import { mistyped } from './metadatatypes.ts'
import { withoutNulls } from './nulls.ts'
import { unknownFields } from './unknownfields.ts'

/** A manifest and the file that it is from. */
export interface Manifest {
  readonly file: string
  readonly object: Parent
  /** What the API server refuses by itself: metadata, and fields beside the spec. */
  readonly faults: readonly FieldError[]
}

export interface Read {
  readonly manifests: readonly Manifest[]
  /** What could not be read, one message each. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** Each path is a file, a folder with manifests, or - for standard input. */
export const filesIn = (paths: readonly string[]): readonly string[] => paths.flatMap(filesAt)

const filesAt = (path: string): readonly string[] =>
  path === '-'
    ? ['-']
    : statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.(ya?ml|json)$/.test(name) && !/^kustomization\.ya?ml$/.test(name))
          .sort()
          .map((name) => join(path, name))
      : [path]

/** Reads files, folders or standard input; objects of other groups are left out. */
export function readManifests(...paths: readonly string[]): Read {
  const manifests: Manifest[] = []
  const errors: string[] = []
  const warnings: string[] = []
  for (const file of filesIn(paths)) {
    const shown = file === '-' ? 'stdin' : file
    for (const document of documentsIn(decoded(readFileSync(file === '-' ? 0 : file)))) {
      const read = contentOf(document)
      if ('error' in read) {
        errors.push(`${shown}: ${read.error}`)
        continue
      }
      warnings.push(...read.warnings.map((warning) => `${shown}: ${warning}`))
      for (const object of itemsOf(read.value)) {
        const unreadable = errorsOf(object)
        errors.push(...unreadable.map((error) => `${shown}: ${error}`))
        if (!unreadable.length && isOurs(object)) manifests.push(manifestOf(shown, object))
      }
    }
  }
  if (!manifests.length && !errors.length) errors.push(`${paths.join(', ')}: no object of ${group}`)
  return { manifests, errors, warnings }
}

/** The items of a List, as `kubectl get -o yaml` prints several objects; else the object itself. */
function itemsOf(object: unknown): readonly unknown[] {
  if (object === null || object === undefined) return []
  const { kind, items } = object as { readonly kind?: unknown; readonly items?: unknown }
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
    ? items
    : [object]
}

const isOurs = (object: unknown): object is Parent =>
  String((object as Partial<Parent>).apiVersion).startsWith(`${group}/`)

/** Why an object cannot be read; objects of other groups are ignored. */
function errorsOf(object: unknown): readonly string[] {
  const { apiVersion, kind, metadata } = (object ?? {}) as Readonly<Record<string, unknown>>
  if (typeof kind !== 'string' || !kind) return ['not a Kubernetes object: kind: Required value']
  if (typeof apiVersion !== 'string' || !apiVersion) return [`${kind}: apiVersion: Required value`]
  if (!isOurs(object)) return []
  if (!kindOf(kind)) return [`${apiVersion} has no kind "${kind}"`]
  const { name, generateName } = isObject(metadata) ? metadata : {}
  const wrong = isAbsent(metadata) ? [] : mistyped(metadata)
  const nameless = { field: 'metadata.name', message: 'Required value' }
  const all = wrong.length || name || generateName ? wrong : [nameless]
  return all.map((error) => `${kind}: ${sentence(error)}`)
}

const isAbsent = (value: unknown): boolean => value === undefined || value === null

const topLevel = ['apiVersion', 'kind', 'metadata', 'spec', 'status']

function manifestOf(file: string, object: Parent): Manifest {
  const { spec, status } = kindNamed(object.kind)
  const unknown = Object.keys(object).filter((field) => !topLevel.includes(field))
  const faults = [
    ...metadataErrors(object.metadata),
    ...unknown.map((field) => ({ field, message: 'unknown field' })),
    ...unknownFields(status, object.status, 'status'),
  ]
  const sent = { ...named(object), spec: withoutNulls(spec, object.spec) }
  return { file, object: sent, faults }
}

/** The API server adds five characters to generateName, and shortens it so that 63 remain. */
function named(object: Parent): Parent {
  const { name, generateName = '' } = object.metadata as Parent['metadata'] & GeneratedName
  if (name) return object
  return { ...object, metadata: { ...object.metadata, name: `${generateName.slice(0, 58)}xxxxx` } }
}

interface GeneratedName {
  readonly generateName?: string
}
