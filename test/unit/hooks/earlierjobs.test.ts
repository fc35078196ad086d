import { describe, expect, test } from 'vitest'
import type { Child } from '../../objects.ts'
import {
  aDataset,
  aModel,
  completed,
  earlierJob,
  failed,
  observed,
  running,
  sync,
  theChild,
} from '../../objects.ts'

/** A Job cannot change its Pod template, so one that exists stays as an earlier version made it. */

/** The Job of an earlier version, which set a working directory and left service links on. */
function earlier(job: Child): Child {
  const former = job.metadata.name.includes('-build-') ? job : earlierJob(job)
  const { enableServiceLinks: _, ...pod } = former.spec.template.spec
  const initContainers = pod.initContainers.map((container: object) => ({
    ...container,
    workingDir: '/content',
  }))
  return {
    ...former,
    spec: {
      ...former.spec,
      template: { ...former.spec.template, spec: { ...pod, initContainers } },
    },
  }
}

const git = { git: { url: 'https://example.com/repo' } }

describe.each([
  { what: 'a training', parent: aModel({ image: 'example.com/train:1', params: { epochs: 3 } }) },
  { what: 'an import', parent: aModel({ source: 'hf://a/b' }) },
  { what: 'a load', parent: aDataset({ source: 'https://example.com/data.csv' }) },
  { what: 'a build', parent: aModel({ build: git }) },
])('the Job of $what keeps the template of an earlier version', ({ parent }) => {
  const wanted = theChild(sync(parent), 'Job')
  const before = earlier(wanted)

  test('which it no longer renders', () => {
    expect(wanted.spec.template).not.toEqual(before.spec.template)
    expect(wanted.spec.template.spec.enableServiceLinks).toBe(false)
  })

  test.each([
    { when: 'it runs', status: running },
    { when: 'it is complete', status: completed },
    { when: 'it has failed', status: failed() },
  ])('while $when', ({ status }) => {
    const kept = theChild(sync(parent, [observed(before, status)]), 'Job')
    expect(kept.metadata.name).toBe(before.metadata.name)
    expect(kept.spec.template).toEqual(before.spec.template)
  })
})
