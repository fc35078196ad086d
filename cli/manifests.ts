import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { group, type Parent } from '../crds/kind.ts'
import { kindOf } from '../crds/kinds.ts'

/** A manifest and the file it is from. */
export interface Manifest {
  readonly file: string
  readonly object: Parent
}

export interface Read {
  readonly manifests: readonly Manifest[]
  /** What could not be read, a sentence each. */
  readonly errors: readonly string[]
}

/** A file, the manifests of a folder, or - for standard input. */
export const filesIn = (path: string): readonly string[] =>
  path === '-'
    ? ['-']
    : statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.(ya?ml|json)$/.test(name))
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
    for (const document of parseAllDocuments(text)) {
      if (document.errors.length) {
        errors.push(`${shown}: ${document.errors[0]?.message.split('\n')[0]}`)
        continue
      }
      const object = document.toJS() as Parent | null
      if (object === null) continue
      if (typeof object !== 'object' || typeof object.kind !== 'string')
        errors.push(`${shown}: no Kubernetes object: kind: Required value`)
      else if (!object.metadata?.name)
        errors.push(`${shown}: ${object.kind}: metadata.name: Required value`)
      else if (object.apiVersion?.startsWith(`${group}/`)) {
        if (kindOf(object.kind)) manifests.push({ file: shown, object })
        else errors.push(`${shown}: ${object.apiVersion} has no kind "${object.kind}"`)
      }
    }
  }
  if (!manifests.length && !errors.length) errors.push(`${path}: no object of ${group}`)
  return { manifests, errors }
}
