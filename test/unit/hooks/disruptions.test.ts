import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import {
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  type Child,
  childrenOf,
  complete,
  observed,
  readyOf,
  running,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** Evictions are no failures, so Kubernetes does not count them: they are counted and bounded here. */

const model = (more: object = {}, labels: Readonly<Record<string, string>> = {}) =>
  aModel({ image: 'example.com/train:1', params: { a: 1 }, ...more }, { labels })

/** A training whose Pods come and go. */
function training(of: Parent) {
  const first = sync(of)
  const claims = applied(first).filter(({ kind }) => kind !== 'Job')
  let parent = stored(of, first)
  let job: Child = observed(theChild(first, 'Job'), running)
  const look = (uid: string | undefined, status: object = running, more: object = {}) => {
    const phase = { phase: 'Running', containerStatuses: [{ name: 'run', state: { running: {} } }] }
    job = { ...job, status }
    const pods = uid ? [aPod(job, phase, { uid, name: uid, ...more })] : []
    const answer = sync(parent, [...claims, job, ...pods])
    parent = stored(parent, answer)
    job = observed(childrenOf(answer, 'Job')[0] as Child, status)
    return answer
  }
  return {
    look,
    edit: (spec: object) => {
      parent = { ...parent, spec: { ...(parent.spec as object), ...spec } }
    },
  }
}

describe('a Pod that the cluster takes away', () => {
  test('is counted, and Ready says how often', () => {
    const { look } = training(model())
    expect(readyOf(look('one'))).toBe('False Running: Pod "one" is running')
    look(undefined)
    expect(readyOf(look('two'))).toMatch(
      /^False Running: .*"two" is running; it was disrupted once$/,
    )
    expect(readyOf(look('two'))).toMatch(/disrupted once$/)
    expect(readyOf(look('three'))).toMatch(/disrupted 2 times$/)
  })

  test('is not counted if another replica does not know the newest Pod yet', () => {
    const { look } = training(model())
    const at = (second: number) => ({ creationTimestamp: `2026-01-01T00:00:0${second}Z` })
    look('one', running, at(1))
    expect(readyOf(look('two', running, at(2)))).toMatch(/disrupted once$/)
    expect(readyOf(look('one', running, at(1)))).toMatch(/disrupted once$/)
    expect(readyOf(look('two', running, at(2)))).toMatch(/disrupted once$/)
  })

  test('is not counted if its Job counts a failure', () => {
    const { look } = training(model())
    look('one')
    expect(readyOf(look('two', { active: 1, failed: 1 }))).toBe(
      'False Running: Pod "two" is running',
    )
    expect(readyOf(look('three', { active: 1, failed: 1 }))).toMatch(/disrupted once$/)
  })

  test('is not counted if the Job was suspended', () => {
    const { look, edit } = training(model())
    look('one')
    edit({ suspend: true })
    look('one')
    look(undefined, { conditions: [{ type: 'Suspended', status: 'True' }] })
    edit({ suspend: false })
    look(undefined)
    expect(readyOf(look('two'))).toBe('False Running: Pod "two" is running')
  })

  test('stops the Job after runPolicy.maxDisruptions, and a higher value lets it continue', () => {
    const { look, edit } = training(model({ runPolicy: { maxDisruptions: 1 } }))
    for (const uid of ['one', 'two']) look(uid)
    const stopped = look('three')
    expect(readyOf(stopped)).toMatch(
      /^False Failed: Job ".*" lost its Pod 2 times to evictions, .*maxDisruptions is 1: a higher value lets it continue$/,
    )
    expect(theChild(stopped, 'Job').spec.suspend).toBe(true)
    const halted = { conditions: [{ type: 'Suspended', status: 'True' }] }
    expect(readyOf(look(undefined, halted))).toBe(readyOf(stopped))
    edit({ image: 1 })
    const invalid = look(undefined, halted)
    expect(readyOf(invalid)).toMatch(/^False InvalidSpec/)
    expect(theChild(invalid, 'Job').spec.suspend).toBe(true)
    edit({ image: 'example.com/train:1', runPolicy: { maxDisruptions: 5 } })
    expect(theChild(look(undefined, halted), 'Job').spec).not.toHaveProperty('suspend')
    expect(readyOf(look('four'))).toMatch(/disrupted 2 times$/)
  })

  test('the default is ten, and a Job that Kueue runs has no limit', () => {
    const uids = Array.from({ length: 12 }, (_, at) => `pod-${at}`)
    const plain = training(model())
    expect(uids.map((uid) => readyOf(plain.look(uid)).split(':')[0]).at(-1)).toBe('False Failed')
    const queued = training(model({}, { 'kueue.x-k8s.io/queue-name': 'gpus' }))
    expect(uids.map((uid) => readyOf(queued.look(uid))).at(-1)).toMatch(/disrupted 11 times$/)
  })

  test('is forgotten once the Job has ended', () => {
    const { look } = training(model())
    look('one')
    const done = look('two', { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] })
    expect(statusOf(done)).not.toHaveProperty('disruptions')
  })
})

describe('autoscalers are asked to leave a Pod where it is', () => {
  const asks = {
    'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
    'karpenter.sh/do-not-disrupt': 'true',
  }
  const base = complete(aModel({ source: 'hf://a/b' }, { name: 'base' }), {
    url: 'pvc://base-model-artifacts/run/1',
  })
  const annotationsOf = (parent: Parent, kind: string) =>
    theChild(sync(parent, [base]), kind).spec.template.metadata.annotations

  test.each<{ what: string; parent: Parent; kind: string }>([
    { what: 'a training', parent: model(), kind: 'Job' },
    { what: 'a notebook', parent: aNotebook({}), kind: 'StatefulSet' },
  ])('of $what', ({ parent, kind }) => {
    expect(annotationsOf(parent, kind)).toMatchObject(asks)
  })

  test('but not of a server, which has replicas and a PodDisruptionBudget', () => {
    const server = aModelServer({ model: { name: 'base' } })
    for (const ask of Object.keys(asks))
      expect(annotationsOf(server, 'Deployment')).not.toHaveProperty([ask])
  })

  test('unless the object says otherwise', () => {
    const own = { 'karpenter.sh/do-not-disrupt': 'false' }
    expect(annotationsOf(model({ pod: { annotations: own } }), 'Job')).toMatchObject({
      ...asks,
      ...own,
    })
  })
})
