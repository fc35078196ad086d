import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { group, type Parent } from '../crds/kind.ts'
import { kindOf } from '../crds/kinds.ts'
import { contentOf, documentsIn } from './kubectlyaml.ts'

/** A manifest and the file that it is from. */
export interface Manifest {
  readonly file: string
  readonly object: Parent
}

export interface Read {
  readonly manifests: readonly Manifest[]
  /** What could not be read, one message each. */
  readonly errors: readonly string[]
}

/** A file, the manifests of a folder, or - for standard input. */
export const filesIn = (path: string): readonly string[] =>
  path === '-'
    ? ['-']
    : statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.(ya?ml|json)$/.test(name) && !/^kustomization\.ya?ml$/.test(name))
          .sort()
          .map((name) => join(path, name))
      : [path]

/** Reads a file, a folder or standard input; objects of other groups are left out. */
export function readManifests(path: string): Read {
  const manifests: Manifest[] = []
  const errors: string[] = []
  for (const file of filesIn(path)) {
    const shown = file === '-' ? 'stdin' : file
    const text = readFileSync(file === '-' ? 0 : file, 'utf8')
    for (const document of documentsIn(text)) {
      const read = contentOf(document)
      if ('error' in read) {
        errors.push(`${shown}: ${read.error}`)
        continue
      }
      for (const object of itemsOf(read.value)) {
        const error = errorOf(object)
        if (error) errors.push(`${shown}: ${error}`)
        else if (isOurs(object)) manifests.push({ file: shown, object })
      }
    }
  }
  if (!manifests.length && !errors.length) errors.push(`${path}: no object of ${group}`)
  return { manifests, errors }
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
function errorOf(object: unknown): string | undefined {
  const { apiVersion, kind, metadata } = (object ?? {}) as Partial<Parent>
  if (typeof kind !== 'string') return 'no Kubernetes object: kind: Required value'
  if (!isOurs(object)) return undefined
  if (!kindOf(kind)) return `${apiVersion} has no kind "${kind}"`
  const name: unknown = metadata?.name ?? ''
  if (typeof name !== 'string')
    return `${kind}: metadata.name: Invalid value: must be a string, not a ${typeof name}: write "${name}" in quotes`
  return name ? undefined : `${kind}: metadata.name: Required value`
}
