import { describe, expect, test } from 'vitest'
import { type Health, health } from '../../../crds/health.ts'
import type { Parent } from '../../../crds/kind.ts'
import { kindNamed } from '../../../crds/kinds.ts'
import { type Reason, reasons } from '../../../crds/reasons.ts'
import { customResourceDefinition } from '../../../generate/definitions.ts'
import { readyConditions } from '../../../hooks/observe/conditions.ts'
import { no, yes } from '../../../hooks/observe/verdict.ts'
import { kstatus, shown } from '../../kstatus.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  complete,
  completed,
  ended,
  failed,
  readyOf,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** What Flux, Argo CD and `helm --wait` make of the objects: the last two words of each row. */

const squad = aDataset({ source: 'https://example.com/squad' })
const asleepDataset = aDataset({ source: 'https://example.com/squad', suspend: true })
const trained = aModel({ image: 'i', dataset: { name: 'squad' } })
const falcon = complete(aModel({ image: 'i' }), { image: 'i', inImage: true, program: true })
const server = (spec: object = {}) => aModelServer({ model: { name: 'falcon' }, ...spec })
const built = aNotebook({ build: { git: { url: 'https://example.com/repo' } } })
const idle = {
  containerStatuses: [
    {
      name: 'idle',
      state: { terminated: { exitCode: 0, message: 'idle', containerID: 'containerd://1' } },
    },
  ],
}

/** The first answer's children in this state, with a Pod in another. */
function seenWith(parent: Parent, state: object, pod?: object, others: readonly Seen[] = []) {
  const children = applied(sync(parent, others), state)
  const owner = children.find(({ kind }) => ['Job', 'Deployment', 'StatefulSet'].includes(kind))
  return [...others, ...children, ...(owner && pod ? [aPod(owner, pod)] : [])]
}

const rows: readonly {
  readonly when: string
  readonly parent: Parent
  readonly seen?: readonly Seen[]
  readonly ready: `${'True' | 'False'} ${Reason}`
  readonly health: Health
}[] = [
  {
    when: 'a load has just been requested',
    parent: squad,
    ready: 'False Pending',
    health: 'InProgress',
  },
  {
    when: 'a load runs',
    parent: squad,
    seen: seenWith(squad, running, { phase: 'Running' }),
    ready: 'False Loading',
    health: 'InProgress',
  },
  {
    when: 'a load tries again after a crash',
    parent: squad,
    seen: seenWith(squad, running, ended(1, 'boom')),
    ready: 'False Loading',
    health: 'InProgress',
  },
  {
    when: 'a load has failed',
    parent: squad,
    seen: seenWith(squad, failed(), ended(1, 'boom')),
    ready: 'False Failed',
    health: 'Failed',
  },
  {
    when: 'a load had too little memory, and no retries are left',
    parent: squad,
    seen: seenWith(squad, failed(), ended(137, '', 'OOMKilled')),
    ready: 'False OOMKilled',
    health: 'Failed',
  },
  {
    when: 'a load had too little time',
    parent: squad,
    seen: seenWith(squad, failed('DeadlineExceeded')),
    ready: 'False DeadlineExceeded',
    health: 'Failed',
  },
  {
    when: 'the builder reported no digest',
    parent: stored(built, {
      status: { finishing: theChild(sync(built), 'Job').metadata.name },
      children: [],
    }),
    seen: seenWith(built, completed, ended(0)),
    ready: 'False Failed',
    health: 'Failed',
  },
  {
    when: 'the dataset is being loaded',
    parent: trained,
    seen: [squad],
    ready: 'False Waiting',
    health: 'InProgress',
  },
  {
    when: 'the dataset does not exist yet',
    parent: trained,
    ready: 'False ReferenceMissing',
    health: 'InProgress',
  },
  {
    when: 'the dataset is suspended',
    parent: trained,
    seen: [stored(asleepDataset, sync(asleepDataset))],
    ready: 'False Waiting',
    health: 'InProgress',
  },
  {
    when: 'two Models are based on each other',
    parent: aModel({ image: 'i', model: { name: 'base' } }),
    seen: [aModel({ image: 'i' }, { name: 'base', status: { bases: ['falcon'] } })],
    ready: 'False ReferenceCycle',
    health: 'Failed',
  },
  {
    when: 'the spec breaks a rule',
    parent: aModel({ image: 7 }),
    ready: 'False InvalidSpec',
    health: 'Failed',
  },
  {
    when: 'a training is suspended before it starts',
    parent: aModel({ image: 'i', dataset: { name: 'squad' }, suspend: true }),
    seen: [squad],
    ready: 'True Suspended',
    health: 'Current',
  },
  {
    when: 'a suspended training has failed',
    parent: aDataset({ ...(squad.spec as object), suspend: true }),
    seen: seenWith(squad, failed(), ended(1, 'boom')),
    ready: 'False Failed',
    health: 'Failed',
  },
  {
    when: 'a server answers',
    parent: server(),
    seen: seenWith(
      server(),
      {
        replicas: 1,
        updatedReplicas: 1,
        availableReplicas: 1,
        conditions: [{ type: 'Available', status: 'True' }],
      },
      undefined,
      [falcon],
    ),
    ready: 'True Serving',
    health: 'Current',
  },
  {
    when: 'the Pod of a server was evicted',
    parent: server(),
    seen: seenWith(server(), { replicas: 1 }, { phase: 'Failed', reason: 'Evicted' }, [falcon]),
    ready: 'False Failed',
    health: 'InProgress',
  },
  {
    when: 'a server is suspended before its Model exists',
    parent: server({ suspend: true }),
    ready: 'True Suspended',
    health: 'Current',
  },
  {
    when: 'a server is scaled to zero before its Model exists',
    parent: server({ replicas: 0 }),
    ready: 'True Suspended',
    health: 'Current',
  },
  {
    when: 'a server is suspended',
    parent: server({ suspend: true }),
    seen: seenWith(server(), { replicas: 1 }, undefined, [falcon]),
    ready: 'True Suspended',
    health: 'Current',
  },
  {
    when: 'a notebook is suspended before its build starts',
    parent: aNotebook({ ...(built.spec as object), suspend: true }),
    seen: applied(sync(aNotebook({ image: 'i', suspend: true }))),
    ready: 'True Suspended',
    health: 'Current',
  },
  {
    when: 'a notebook is idle',
    parent: aNotebook({ image: 'i', idleTimeout: '2h' }),
    seen: seenWith(aNotebook({ image: 'i', idleTimeout: '2h' }), { replicas: 1 }, idle),
    ready: 'True Idle',
    health: 'Current',
  },
  {
    when: 'a server is idle',
    parent: server({ idleTimeout: '2h' }),
    seen: seenWith(server({ idleTimeout: '2h' }), { replicas: 1 }, idle, [falcon]),
    ready: 'True Idle',
    health: 'Current',
  },
]

describe('the health of an object', () => {
  test.each(rows)('when $when: $health', ({ parent, seen = [], ready, health: expected }) => {
    const answer = sync(parent, seen)
    expect(readyOf(answer).startsWith(`${ready}: `)).toBe(true)
    expect(kstatus(shown(parent, answer))).toBe(expected)
    expect(statusOf(answer).ready).toBe(ready.startsWith('True'))
  })

  test('is InProgress until a changed spec is observed', () => {
    const parent = aModel({ image: 'i' })
    const done = shown(parent, sync(parent))
    expect(kstatus(done)).toBe('Current')
    const changed = { ...done, metadata: { ...done.metadata, generation: 2 } }
    expect(kstatus(changed)).toBe('InProgress')
  })

  test('is InProgress before the controller has looked at it, by the default of its definition', () => {
    const [version] = customResourceDefinition(kindNamed('Dataset')).spec.versions
    const status = version?.schema.openAPIV3Schema.properties.status.default
    expect(kstatus({ ...squad, status })).toBe('InProgress')
    expect(sync({ ...squad, status }).status).toEqual(sync(squad).status)
  })

  test('is Failed when a result is gone with its claim', () => {
    const loaded = sync(squad, [aJob(sync(squad), completed)])
    const again = stored(squad, loaded)
    const done = sync(again, [
      aJob(sync(squad), completed),
      aPod(aJob(sync(squad), completed), ended(0, '{}')),
    ])
    const lost = sync(stored(squad, done), [])
    expect(readyOf(lost)).toMatch(/^False ChildMissing: .* is gone, and the result with it/)
    expect(kstatus(shown(squad, lost))).toBe('Failed')
  })
})

describe('by its reason alone, an object', () => {
  const seen = { parent: squad, before: [], now: undefined }
  test.each(Object.keys(reasons) as Reason[])('with %s', (reason) => {
    const verdict = health[reason] === 'Current' ? yes(reason, 'x') : no(reason, 'x')
    const conditions = readyConditions(seen, verdict)
    expect(kstatus({ ...squad, status: { conditions } })).toBe(health[reason])
    const stalled = conditions.find(({ type }) => type === 'Stalled')
    expect([stalled?.status, stalled?.reason]).toEqual(
      health[reason] === 'Failed' ? ['True', reason] : [undefined, undefined],
    )
  })
})

describe('a suspended Dataset without a result', () => {
  const parent = stored(asleepDataset, sync(asleepDataset))

  test('is Ready, and its stage is not', () => {
    expect(
      statusOf(sync(parent, applied(sync(asleepDataset)))).conditions.map(
        ({ type, status, reason }) => [type, status, reason],
      ),
    ).toEqual([
      ['Ready', 'True', 'Suspended'],
      ['Built', 'True', 'Skipped'],
      ['Complete', 'False', 'Suspended'],
    ])
  })

  test('provides no data: a training waits for it, and says so', () => {
    const answer = sync(trained, [parent], aConfig())
    expect(readyOf(answer)).toBe('False Waiting: waiting for Dataset "squad": Suspended')
    expect(answer.children.filter(({ kind }) => kind === 'Job')).toEqual([])
  })
})
