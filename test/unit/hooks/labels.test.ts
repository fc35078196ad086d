import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import {
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  complete,
  type Seen,
  sync,
  theChild,
} from '../../objects.ts'

/** An object's labels are passed on to its workload, where queues and cost reports read them. */

const queued = {
  'kueue.x-k8s.io/queue-name': 'team-a',
  'kueue.x-k8s.io/priority-class': 'high',
}
const build = { git: { url: 'https://example.com/code.git' } }
const base = complete(aModel({ image: 'example.com/base:1' }, { name: 'base' }), {
  image: 'example.com/base:1',
})
const model = { name: 'base' }

describe.each<{
  readonly of: string
  readonly kind: 'Job' | 'Deployment' | 'StatefulSet'
  readonly parent: (labels: Readonly<Record<string, string>>) => Parent
  readonly seen?: readonly Seen[]
}>([
  { of: 'a build', kind: 'Job', parent: (labels) => aModel({ build }, { name: 'it', labels }) },
  {
    of: 'a load',
    kind: 'Job',
    parent: (labels) => aDataset({ source: 's3://bucket/it' }, { name: 'it', labels }),
  },
  {
    of: 'a training',
    kind: 'Job',
    parent: (labels) => aModel({ image: 'example.com/it:1', model }, { name: 'it', labels }),
    seen: [base],
  },
  {
    of: 'a ModelServer',
    kind: 'Deployment',
    parent: (labels) => aModelServer({ model, image: 'example.com/it:1' }, { name: 'it', labels }),
    seen: [base],
  },
  {
    of: 'a Notebook',
    kind: 'StatefulSet',
    parent: (labels) => aNotebook({}, { name: 'it', labels }),
  },
])('$kind of $of', ({ kind, parent, seen = [] }) => {
  test('has them, and its Pods', () => {
    const child = theChild(sync(parent(queued), seen), kind)
    expect(child.metadata.labels).toMatchObject(queued)
    expect(child.spec.template.metadata.labels).toMatchObject(queued)
  })

  test('but they do not replace ours', () => {
    const labels = { 'substratus.ai/name': 'other', 'substratus.ai/stage': 'other' }
    const child = theChild(sync(parent(labels), seen), kind)
    for (const { metadata } of [child, child.spec.template])
      expect(Object.values(metadata.labels)).not.toContain('other')
  })
})
