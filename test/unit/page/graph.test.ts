import { expect, test } from 'vitest'
import { graphOf, relatedTo, shapeOf } from '../../../page/core/graph.ts'
import { aThing, kinds } from './shown.ts'

const things = [
  aThing('Dataset', 'squad'),
  aThing('Model', 'base'),
  aThing('Model', 'tuned', { spec: { model: { name: 'base' }, dataset: { name: 'squad' } } }),
  aThing('ModelServer', 'chat', { spec: { model: { name: 'tuned' } } }),
  aThing('ModelServer', 'other', { spec: { model: { name: 'gone' } } }),
]
const graph = graphOf(things, kinds)

test('an edge leads from what was used to what was made of it', () => {
  expect(graph.edges.map(({ from, to }) => `${from} ${to}`)).toEqual([
    'Model/base Model/tuned',
    'Dataset/squad Model/tuned',
    'Model/tuned ModelServer/chat',
    'Model/gone ModelServer/other',
  ])
})

test('adapters lead to the server that has them', () => {
  const server = aThing('ModelServer', 'base', {
    spec: { model: { name: 'base' }, adapters: [{ name: 'tuned' }, { name: 7 }, null] },
  })
  expect(graphOf([server], kinds).edges.map(({ from }) => from)).toEqual([
    'Model/base',
    'Model/tuned',
  ])
})

test('what does not exist and is referred to is a node without an object', () => {
  expect(graph.nodes.find(({ id }) => id === 'Model/gone')).toEqual({
    id: 'Model/gone',
    kind: 'Model',
    name: 'gone',
  })
})

test.each([
  { of: 'Model/tuned', are: ['Dataset/squad', 'Model/base', 'Model/tuned', 'ModelServer/chat'] },
  { of: 'Dataset/squad', are: ['Dataset/squad', 'Model/tuned', 'ModelServer/chat'] },
  { of: 'ModelServer/other', are: ['Model/gone', 'ModelServer/other'] },
])('what $of comes from and leads to', ({ of, are }) => {
  expect([...relatedTo(of, graph)].sort()).toEqual(are)
})

test('a cycle ends', () => {
  const a = aThing('Model', 'a', { spec: { model: { name: 'b' } } })
  const b = aThing('Model', 'b', { spec: { model: { name: 'a' } } })
  expect([...relatedTo('Model/a', graphOf([a, b], kinds))].sort()).toEqual(['Model/a', 'Model/b'])
})

test('only another object or reference is another shape', () => {
  const changed = things.map((thing) => ({ ...thing, status: { ready: true } }))
  expect(shapeOf(graphOf(changed, kinds))).toBe(shapeOf(graph))
  expect(shapeOf(graphOf(things.slice(1), kinds))).not.toBe(shapeOf(graph))
})

test('a reference that is no name is none', () => {
  const odd = aThing('Model', 'odd', { spec: { model: 'base', dataset: { name: 7 } } })
  expect(graphOf([odd], kinds).edges).toEqual([])
})
