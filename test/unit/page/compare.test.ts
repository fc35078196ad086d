import { expect, test } from 'vitest'
import { comparedRows } from '../../../page/core/compare.ts'
import { aThing } from './shown.ts'

const model = (name: string, epochs: number, digest: string, others: object = {}) =>
  aThing('Model', name, {
    spec: { model: { name: 'base' }, params: { epochs }, args: ['-v', '--fast'], ...others },
    status: { stages: { run: { job: `${name}-run`, inputs: name, digest } } },
  })

test('each field of both is a row: the spec first, then the result', () => {
  expect(comparedRows(model('a', 1, 'sha256:aa'), model('b', 3, 'sha256:bb'))).toEqual([
    { field: 'spec.args', a: '-v --fast', b: '-v --fast', isSame: true },
    { field: 'spec.model.name', a: 'base', b: 'base', isSame: true },
    { field: 'spec.params.epochs', a: '1', b: '3', isSame: false },
    { field: 'status.stages.run.digest', a: 'sha256:aa', b: 'sha256:bb', isSame: false },
  ])
})

test('a field that one of them lacks differs', () => {
  const rows = comparedRows(
    model('a', 1, 'd', { env: { LOG: 'debug' } }),
    model('b', 1, 'd', { env: { LOG: '' } }),
  )
  expect(rows.filter(({ isSame }) => !isSame)).toEqual([
    { field: 'spec.env.LOG', a: 'debug', b: '', isSame: false },
  ])
  const [row] = comparedRows(aThing('Model', 'a', { spec: { image: 'i' } }), aThing('Model', 'b'))
  expect(row).toEqual({ field: 'spec.image', a: 'i', b: '', isSame: false })
})

test('lists of objects are compared item by item', () => {
  const withVolumes = (...names: readonly string[]) =>
    aThing('Model', 'm', { spec: { volumes: names.map((name) => ({ name })) } })
  expect(comparedRows(withVolumes('a', 'b'), withVolumes('a'))).toEqual([
    { field: 'spec.volumes[0].name', a: 'a', b: 'a', isSame: true },
    { field: 'spec.volumes[1].name', a: 'b', b: '', isSame: false },
  ])
})
