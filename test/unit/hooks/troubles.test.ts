import { describe, expect, test } from 'vitest'
import { troubles } from '../../cluster/troubles.ts'
import {
  aModel,
  aModelServer,
  anEvent,
  aPod,
  applied,
  complete,
  observed,
  readyOf,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** The troubles of the cluster tier as requests and answers: the same objects and the same messages. */

const references = [
  complete(aModel({}, { name: 'base' }), {
    image: 'example.com/base:1',
    inImage: true,
    program: true,
  }),
  complete(aModel({ source: 'pvc://lost/model' }, { name: 'kept' }), { url: 'pvc://lost/model' }),
]

describe('kubectl get says', () => {
  test.each(troubles)('$when', ({ kind, spec, workload: status, pod, event, says }) => {
    const made = kind === 'Model' ? aModel : aModelServer
    const parent = made(spec as Record<string, unknown>, { name: 'it' })
    const first = sync(parent, references)
    const workload = observed(theChild(first, kind === 'Model' ? 'Job' : 'Deployment'), status)
    const others = applied(first).filter(({ kind: other }) => other !== workload.kind)
    const seen = [
      ...[...references, ...others, workload],
      ...(pod ? [aPod(workload, pod)] : []),
      ...(event ? [anEvent(workload, 'FailedCreate', event)] : []),
    ]

    const second = sync(stored(parent, first), seen)
    expect(readyOf(second)).toMatch(says)
    expect(statusOf(second).ready).toBe(false)
    // The next sync reports the same, or the condition would flap.
    expect(readyOf(sync(stored(parent, second), seen))).toBe(readyOf(second))
  })
})
