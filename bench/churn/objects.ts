import { apiVersion } from '../../crds/kind.ts'

/** The objects of this benchmark, with as little as they need. */

/** A run whose result stays in its claim. */
export const aRun = (name: string, more: object = {}): object => ({
  apiVersion,
  kind: 'Model',
  metadata: { name },
  spec: { image: 'example.com/train:1', params: { epochs: 3 }, package: 'Never', ...more },
})

export const aServerOf = (model: string, name: string): object => ({
  apiVersion,
  kind: 'ModelServer',
  metadata: { name },
  spec: { image: 'example.com/serve:1', model: { name: model } },
})

/** NAME-00000 and so on: all of one length, so that no name must be shortened. */
export const namesOf = (prefix: string, count: number, from = 0): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(from + index).padStart(5, '0')}`)
