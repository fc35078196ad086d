import { instance } from '@viz-js/viz'
import { describe, expect, test } from 'vitest'
import { columnLines } from '../../../terminal/columns.ts'
import { dotOf } from '../../../view/dot.ts'
import { around, graphOf } from '../../../view/graph.ts'
import type { Shown } from '../../../view/object.ts'
import { type Branch, cellsOf, forest, treeAround } from '../../../view/tree.ts'
import { shown } from './shown.ts'

const sha = (letter: string) => `sha256:${letter.repeat(64)}`
const record = { job: 'j', inputs: 'a', attempt: 'b' }

const tickets = shown(
  'Dataset',
  'tickets',
  'True Done',
  { source: 's3://b/t' },
  {
    stages: { load: { ...record, digest: sha('a') } },
  },
)
const qwen = shown('Model', 'qwen', 'True Done', { source: 'hf://Qwen/Qwen' })
const support = shown(
  'Model',
  'support',
  'False Running',
  {
    model: { name: 'qwen' },
    dataset: { name: 'tickets' },
    build: { git: { url: 'https://git.example/support', path: 'train' } },
  },
  { stages: { build: { ...record, commit: '0123456789abcdef' } } },
)
const chat = shown('ModelServer', 'chat', 'False Waiting', { model: { name: 'support' } })
const lab = shown('Notebook', 'lab', undefined, { model: { name: 'gone' } })
const all = [chat, lab, support, qwen, tickets]

const now = Date.parse('2026-01-01T01:00:00Z')
const drawn = (branches: readonly Branch[]) =>
  columnLines(branches.map((branch) => cellsOf(branch, now).slice(0, 3)))

test('all objects stand below what they were made from; what was drawn above is not drawn again', () => {
  expect(drawn(forest(graphOf(all)))).toEqual([
    'Dataset/tickets              True   Done',
    '└─Model/support              False  Running',
    '  └─ModelServer/chat         False  Waiting',
    'Model/gone                   -      missing',
    '└─Notebook/lab               -      -',
    'Model/qwen                   True   Done',
    '└─Model/support (see above)  False  Running',
  ])
})

test('thousands of objects are drawn at once', () => {
  const many = Array.from({ length: 15_000 }, (_, at) =>
    at % 2
      ? shown('Model', `m${at}`, 'True Done', { dataset: { name: `d${at - 1}` } })
      : shown('Dataset', `d${at}`, 'True Done', { source: 's3://b/d' }),
  )
  expect(forest(graphOf(many))).toHaveLength(15_000)
})

test('one object stands between what it was made from and what uses it', () => {
  const graph = graphOf(all)
  expect(drawn(treeAround(graph, 'default/Model/support'))).toEqual([
    'Model/support         False  Running',
    '├─made from',
    '│ ├─Dataset/tickets   True   Done',
    '│ │ └─s3://b/t',
    '│ ├─Model/qwen        True   Done',
    '│ │ └─hf://Qwen/Qwen',
    '│ └─https://git.example/support (train)',
    '└─used by',
    '  └─ModelServer/chat  False  Waiting',
  ])
})

test('a line has the state, the age, the digest and the commit', () => {
  const rows = forest(graphOf([tickets, support])).map((branch) => cellsOf(branch, now))
  expect(rows).toEqual([
    ['Dataset/tickets', 'True', 'Done', '60m', `sha256:${'a'.repeat(12)}`, '-'],
    ['└─Model/support', 'False', 'Running', '60m', '-', '0123456789ab'],
    ['Model/qwen', '-', 'missing'],
    ['└─Model/support', 'False', 'Running', '60m', '-', '0123456789ab'],
  ])
})

test('the digest of an image counts where no artifacts have one', () => {
  const image = `registry.test/m@${sha('c')}`
  const { nodes } = graphOf([shown('Model', 'm', 'True Done', {}, { artifacts: { image } })])
  expect(nodes[0]).toMatchObject({ digest: sha('c'), image })
})

test('a server has no result, and a built image is none', () => {
  const image = `registry.test/m@${sha('c')}`
  const { nodes } = graphOf([
    shown('ModelServer', 's', 'True Serving', {}, { image }),
    shown('Model', 'm', 'False Running', {}, { image }),
  ])
  expect(nodes.map(({ digest }) => digest)).toEqual([undefined, undefined])
})

test('bases that lead in a circle are drawn once', () => {
  const a = shown('Model', 'a', 'False ReferenceCycle', { model: { name: 'b' } })
  const b = shown('Model', 'b', 'False ReferenceCycle', { model: { name: 'a' } })
  const graph = graphOf([a, b])
  expect(drawn(forest(graph))).toEqual([
    'Model/a                  False  ReferenceCycle',
    '└─Model/b                False  ReferenceCycle',
    '  └─Model/a (see above)  False  ReferenceCycle',
  ])
  expect(treeAround(graph, 'default/Model/a').length).toBeGreaterThan(2)
})

test('only what leads to an object or follows from it is around it', () => {
  const graph = around(graphOf(all), 'default/Model/qwen')
  expect(graph.nodes.map(({ id }) => id)).toEqual([
    'default/Model/qwen',
    'default/Model/support',
    'default/ModelServer/chat',
  ])
  expect(graph.edges).toEqual([
    { from: 'default/Model/support', to: 'default/ModelServer/chat', role: 'model' },
    { from: 'default/Model/qwen', to: 'default/Model/support', role: 'base' },
  ])
})

test('adapters are part of a server', () => {
  const spec = { model: { name: 'qwen' }, adapters: [{ name: 'support' }] }
  const { edges } = graphOf([qwen, support, shown('ModelServer', 'base', 'True Serving', spec)])
  expect(edges.filter(({ to }) => to === 'default/ModelServer/base')).toEqual([
    { from: 'default/Model/qwen', to: 'default/ModelServer/base', role: 'model' },
    { from: 'default/Model/support', to: 'default/ModelServer/base', role: 'adapter' },
  ])
})

test('references stay within their namespace', () => {
  const other: Shown = { ...qwen, metadata: { ...qwen.metadata, namespace: 'other' } }
  const { nodes } = graphOf([other, support])
  expect(nodes.filter(({ isMissing }) => isMissing).map(({ id }) => id)).toEqual([
    'default/Dataset/tickets',
    'default/Model/qwen',
  ])
})

describe('the language of Graphviz', () => {
  test('has every object and every reference', async () => {
    const drawing = (await instance()).renderString(dotOf(graphOf(all)), { format: 'json' })
    expect(JSON.parse(drawing).objects).toHaveLength(6)
    expect(JSON.parse(drawing).edges).toHaveLength(4)
  })

  test('takes no statement from a text', async () => {
    const evil = shown('Model', 'm', 'False Evil"];evil[label="x')
    const drawing = (await instance()).renderString(dotOf(graphOf([evil])), { format: 'json' })
    expect(JSON.parse(drawing).objects).toHaveLength(1)
  })
})
