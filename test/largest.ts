import type { Parent } from '../crds/kind.ts'
import type { PodFields } from '../crds/podtemplate.ts'
import type { AnySpec } from '../crds/rule.ts'
import { carriedBytes, maxCarriedBytes } from '../crds/rules/size.ts'
import { aDataset, aModel, aModelServer, aNotebook, complete } from './objects.ts'

/** The largest objects that admission allows. */

export const many = (count: number, entry: (index: number) => readonly [string, unknown]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)))

/** As many variables as possible, of the largest kind, and a filler up to the limit. */
export function filled(more: object, filler: string, below?: PodFields) {
  const spec = {
    image: 'example.com/train:1',
    env: many(128, (i) => [`E${i}`, '${{secrets.a.b}}']),
    params: many(512, (i) => [`p${i}`, i]),
    ...more,
  }
  const room = maxCarriedBytes - carriedBytes({ ...spec, command: [''] } as AnySpec, below)
  const each = carriedBytes({ command: [filler] }) - carriedBytes({ command: [''] })
  return { ...spec, command: [filler.repeat(Math.floor(room / each))] }
}

export const long = { name: 'n'.repeat(50) }
/** The objects that they refer to. */
export const base = complete(aModel({ image: 'i' }), { url: 'pvc://falcon-model-artifacts/run/1' })
export const data = complete(aDataset({ source: 's3://b' }), {
  url: 'pvc://squad-dataset-artifacts/l/1',
})
export const of = { model: { name: 'falcon' }, dataset: { name: 'squad' } }

/** The largest object of each kind that admission allows, with a character that is more or less costly. */
export const largestWith = (filler: string): readonly Parent[] => [
  aModel(filled(of, filler), long),
  aDataset(filled({}, filler), long),
  aModelServer(filled({ model: of.model, idleTimeout: '1h' }, filler), long),
  aNotebook(filled({ ...of, idleTimeout: '1h' }, filler), long),
]
