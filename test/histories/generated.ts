import fc from 'fast-check'
import type { Action, Lost } from './actions.ts'
import { type ConfigurationName, configurations, type Name, policies, specs } from './cast.ts'
import type { PodEvent } from './podlife.ts'

/** Random histories about some of the objects. */
export function histories(about: readonly Name[]): fc.Arbitrary<readonly Action[]> {
  const object = fc.constantFrom(...about)
  const action = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('calm' as const),
        rounds: fc.integer({ min: 1, max: 2 }),
      }),
    },
    { weight: 6, arbitrary: syncs(object) },
    { weight: 4, arbitrary: fc.constant({ do: 'controllers' as const }) },
    { weight: 5, arbitrary: applies(object) },
    { weight: 5, arbitrary: podEvents },
    { weight: 4, arbitrary: annotations(object) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('suspend' as const, 'resume' as const), object }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), object }) },
    { weight: 3, arbitrary: losses },
    { weight: 3, arbitrary: watches },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('configure' as const), to: configuration }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        seconds: fc.constantFrom(10, 60, 200),
      }),
    },
  )
  const begin = fc.array(applies(object), { minLength: 1, maxLength: 2 })
  const course = fc.array(action, { maxLength: 12, size: 'max' })
  return fc.tuple(begin, course).map((parts) => parts.flat())
}

const applies = (object: fc.Arbitrary<Name>): fc.Arbitrary<Action> =>
  object.chain((name) =>
    fc.tuple(fc.constantFrom(...specs[name]), fc.constantFrom(...policies)).map(
      ([spec, policy]): Action => ({
        do: 'apply',
        object: name,
        spec: name === 'server' || name === 'notebook' ? spec : { ...spec, ...policy },
      }),
    ),
  )

const syncs = (object: fc.Arbitrary<Name>): fc.Arbitrary<Action> =>
  fc.oneof(
    fc.record({ do: fc.constant('sync' as const), object }),
    fc.record({
      do: fc.constant('sync' as const),
      object,
      but: fc.constantFrom('no answer' as const, 'the status is lost' as const),
    }),
    fc.record({
      do: fc.constant('sync' as const),
      object,
      stopsAfter: fc.integer({ min: 0, max: 3 }),
    }),
  )

const events: readonly PodEvent[] = [
  'succeeds',
  'runs',
  'fails',
  'is killed for its memory',
  'is evicted',
  'is lost with its node',
  'is unschedulable',
  'is idle',
]
const at = fc.integer({ min: 0, max: 5 })
const podEvents: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('pod' as const),
  at,
  event: fc.constantFrom(...events),
})

const lost: readonly Lost[] = [
  'Job',
  'Pod',
  'PersistentVolumeClaim',
  'Deployment',
  'StatefulSet',
  'Service',
]
const losses: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('lose' as const),
  kind: fc.constantFrom(...lost),
  at,
})

const watched = [
  'Model',
  'Job',
  'Pod',
  'Dataset',
  'ModelServer',
  'Notebook',
  'PersistentVolumeClaim',
  'Deployment',
  'StatefulSet',
]
const watches: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('lag' as const), watch: fc.constantFrom(...watched) }),
  fc.constantFrom<Action>({ do: 'blind' }, { do: 'catch up' }, { do: 'restart' }),
)

const annotations = (object: fc.Arbitrary<Name>): fc.Arbitrary<Action> =>
  fc.oneof(
    fc.record(
      {
        do: fc.constant('annotate' as const),
        object,
        with: fc.constant('rerun' as const),
        value: fc.constantFrom('a', 'b'),
      },
      { requiredKeys: ['do', 'object', 'with'] },
    ),
    fc.record({
      do: fc.constant('annotate' as const),
      object,
      with: fc.constantFrom('rollout' as const, 'opened' as const),
      value: fc.constantFrom('a', 'b'),
    }),
    fc.record(
      {
        do: fc.constant('annotate' as const),
        object,
        with: fc.constant('opened' as const),
        value: fc.constant('now'),
      },
      { requiredKeys: ['do', 'object', 'with'] },
    ),
  )

export const configuration = fc.constantFrom(
  ...(Object.keys(configurations) as readonly ConfigurationName[]),
)
