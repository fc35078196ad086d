import { readFileSync } from 'node:fs'
import { Document, isMap, isSeq } from 'yaml'
import { apiVersion, group, type Parent } from '../crds/kind.ts'
import { kindOf } from '../crds/kinds.ts'
import { sentence } from '../crds/schema/validator.ts'
import { onOneLine } from '../crds/text.ts'
import { check } from '../webhooks/check.ts'
import { offlineConfig } from './configfile.ts'
import { decoded } from './encoding.ts'
import { asKubectl, contentOf, documentsIn } from './kubectlyaml.ts'
import { filesIn } from './manifests.ts'
import { visibleYaml } from './visibleyaml.ts'

/**
 * Converts manifests of Substratus 0.9, its last release before this one. Server becomes ModelServer,
 * and fields that a cluster wrote into exported objects are removed. Comments and order stay. Changes
 * of meaning are reported, and what cannot be converted is an error.
 */

interface Finding {
  readonly level: 'note' | 'error'
  readonly field: string
  readonly message: string
}

type Path = readonly string[]

interface Step {
  readonly field: Path
  /** Whether the step has something to do; the object already has the new name of its kind. */
  readonly applies: (object: Old) => boolean
  readonly does?: 'removes' | undefined
  readonly level?: Finding['level']
  readonly message: string
}

interface Old {
  readonly kind: string
  readonly metadata?: Readonly<Record<string, unknown>>
  // biome-ignore lint/suspicious/noExplicitAny: a user's file, which is not validated yet.
  readonly spec?: any
}

/** Metadata that the API server and the old controllers write. */
const serverFields = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'finalizers',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
]

const hasWork = ({ spec }: Old): boolean =>
  Boolean(
    spec?.command ??
      spec?.env ??
      spec?.model ??
      spec?.dataset ??
      (Object.keys(spec?.params ?? {}).length || undefined),
  )

const steps: readonly Step[] = [
  {
    field: ['spec', 'build', 'upload'],
    applies: ({ spec }) => spec?.build?.upload !== undefined,
    level: 'error',
    message:
      'folders are not uploaded: push it to Git and name it in spec.build.git, or build the image yourself and name it in spec.image',
  },
  {
    field: ['spec', 'image'],
    applies: ({ spec }) => spec?.image !== undefined && spec?.build?.git !== undefined,
    does: 'removes',
    message: 'was the result of the build: removed, and it is built again',
  },
  {
    field: ['spec', 'resources', 'disk'],
    applies: ({ spec }) => spec?.resources?.disk === 10,
    does: 'removes',
    message:
      'was the old default of 10, for the container’s own files: removed. It is the room for artifacts now: 100 for a Model, 50 for a Dataset, 20 for a Notebook',
  },
  {
    field: ['spec', 'resources', 'disk'],
    applies: ({ spec }) => spec?.resources?.disk !== undefined && spec.resources.disk !== 10,
    message:
      'was for the container’s own files, and is the room for artifacts now: see whether it fits',
  },
  {
    field: ['spec'],
    applies: (object) => object.kind === 'Model' && !hasWork(object),
    message:
      'a Model that has only an image, or builds one, is that image now: nothing runs. Where the old one ran it to load something, set spec.command, or spec.source instead of the image',
  },
  ...['model', 'dataset'].map(
    (reference): Step => ({
      field: ['spec', reference, 'namespace'],
      applies: ({ spec }) => spec?.[reference]?.namespace !== undefined,
      level: 'error',
      message: 'references stay within the namespace: move the object, and remove the field',
    }),
  ),
  {
    field: ['spec', 'env', 'NOTEBOOK_TOKEN'],
    applies: ({ spec }) => spec?.env?.NOTEBOOK_TOKEN !== undefined,
    message: 'has no effect any more: Jupyter makes a token of its own, and kubectl open reads it',
  },
]

/** Removes a field, and the maps that are empty without it. */
function remove(document: Document, path: Path): void {
  const above = path.slice(0, -1)
  const map = document.getIn(above)
  if (isMap(map) && map.delete(path.at(-1)) && map.items.length === 0) remove(document, above)
}

const unremoved =
  'must be removed, but comes from a merge key "<<" or an alias: remove it where it is defined'

const valueAt = (object: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, name) => (value as Record<string, unknown> | undefined)?.[name],
    object,
  )

/** Converts the document in place; returns what the user should know about it. */
export function convert(document: Document): readonly Finding[] {
  const object = document.toJS() as Old & { readonly apiVersion?: string }
  if (object.kind === 'Server') document.set('kind', 'ModelServer')
  for (const field of serverFields) remove(document, ['metadata', field])
  remove(document, ['metadata', 'annotations', 'kubectl.kubernetes.io/last-applied-configuration'])
  document.delete('status')
  const now = { ...object, kind: object.kind === 'Server' ? 'ModelServer' : object.kind }
  return steps
    .filter(({ applies }) => applies(now))
    .map(({ field, does, level = 'note', message }) => {
      if (does === 'removes') remove(document, field)
      const stays = does === 'removes' && valueAt(document.toJS(), field) !== undefined
      return {
        ...(stays ? { level: 'error', message: unremoved } : { level, message }),
        field: field.join('.'),
      }
    })
}

/** The documents of a text; a List, which kubectl prints for several objects, is split into its items. */
const objectsIn = (text: string): readonly Document[] =>
  documentsIn(text).flatMap((document) => {
    const items = isMap(document.contents) && document.get('items')
    return document.get('kind') === 'List' && isSeq(items)
      ? items.items.map((item) => new Document(item, asKubectl))
      : [document as Document]
  })

/** Whether an error is that of a finding again: without the upload, spec.build lacks its other fields. */
const follows = (field: string, findings: readonly Finding[]): boolean =>
  findings
    .filter(({ level }) => level === 'error')
    .map((finding) => finding.field.replace(/^spec\.build\..*/, 'spec.build'))
    .some((reported) => field === reported || field.startsWith(`${reported}.`))

/** Prints the converted manifests, and the findings on standard error. */
export function convertCommand(options: {
  readonly filename: readonly string[]
  readonly config?: string
}): number {
  const config = offlineConfig(options.config)
  const printed: string[] = []
  let errors = 0
  const report = (named: string, { level, field, message }: Finding) => {
    if (level === 'error') errors++
    console.error(onOneLine(`${level}: ${named}: ${field ? `${field}: ` : ''}${message}`))
  }
  for (const file of filesIn(options.filename)) {
    const shown = file === '-' ? 'stdin' : file
    for (const document of objectsIn(decoded(readFileSync(file === '-' ? 0 : file)))) {
      const read = contentOf(document)
      // A duplicate key cannot be printed.
      const message = 'error' in read ? read.error : read.warnings[0]
      if ('error' in read || message) {
        report(shown, { level: 'error', field: '', message: message ?? '' })
        continue
      }
      const object = read.value as (Parent & { kind: string }) | null
      if (object === null) continue
      if (object.apiVersion?.startsWith(`${group}/`)) {
        const named = `${shown}: ${object.kind} "${object.metadata?.name}"`
        const findings = convert(document)
        for (const finding of findings) report(named, finding)
        document.set('apiVersion', apiVersion)
        const converted = document.toJS() as Parent
        const kind = kindOf(converted.kind)
        if (kind) {
          // References may be in other files, or in the cluster, so they are not checked.
          for (const error of check(kind, { object: converted, dryRun: true }, config, {}).errors)
            if (!follows(error.field, findings))
              report(named, { level: 'error', field: '', message: sentence(error) })
        } else
          report(named, { level: 'error', field: 'kind', message: `"${object.kind}" is no kind` })
      }
      printed.push(
        visibleYaml(document, {
          directives: false,
          flowCollectionPadding: false,
          lineWidth: 0,
        }).replace(/^---\n/, ''),
      )
    }
  }
  process.stdout.write(printed.join('---\n'))
  return errors ? 1 : 0
}
