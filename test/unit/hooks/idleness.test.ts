import { describe, expect, test } from 'vitest'
import type { Parent } from '../../../crds/kind.ts'
import { hooks } from '../../../hooks/hooks.ts'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aModel,
  aModelServer,
  aNotebook,
  aPod,
  applied,
  complete,
  type Json,
  observed,
  readyOf,
  requestFor,
  type Seen,
  statusOf,
  stored,
  sync,
  throughJson,
} from '../../objects.ts'

/** Sleep and wake, of a Notebook and of a ModelServer alike. */

const imported = complete(aModel({ source: 'https://example.com/falcon' }), {
  url: 'pvc://falcon-model-artifacts/run/1',
})
const model = { model: { name: 'falcon' } }
const kinds = [
  { kind: 'Notebook', workload: 'StatefulSet', make: aNotebook, spec: { idleTimeout: '2h' } },
  {
    kind: 'ModelServer with metrics',
    workload: 'Deployment',
    make: aModelServer,
    spec: { ...model, runtime: 'llamacpp', idleTimeout: '2h' },
  },
  {
    kind: 'ModelServer with a relay',
    workload: 'Deployment',
    make: aModelServer,
    spec: { ...model, image: 'example.com/server:1', idleTimeout: '2h' },
  },
] as const

const up = {
  replicas: 1,
  readyReplicas: 1,
  updatedReplicas: 1,
  availableReplicas: 1,
  conditions: [{ type: 'Available', status: 'True' }],
}
const slept = '2026-01-01T12:00:00Z'
const ended = (message: string, more: object = {}) => ({
  phase: 'Running',
  containerStatuses: [
    { name: 'server', ready: true, state: { running: {} } },
    {
      name: 'idle',
      ready: true,
      restartCount: 1,
      state: { running: {} },
      lastState: {
        terminated: { exitCode: 0, message, containerID: 'containerd://1', finishedAt: slept },
      },
      ...more,
    },
  ],
})
const readyAt = (lastTransitionTime: string) => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }],
  containerStatuses: [{ name: 'server', ready: true, state: { running: {} } }],
})
const opened = (time: string) => ({ annotations: { 'substratus.ai/opened': time } })
const annotated = (parent: Parent, more: object): Parent => ({
  ...parent,
  metadata: { ...parent.metadata, ...more },
})

describe.each(kinds)('a $kind', ({ workload, make, spec }) => {
  const parent = make(spec)
  const children = applied(sync(parent, [imported]))
  const made = children.find(({ kind }) => kind === workload) as Child
  const seen = (status: unknown, pod?: unknown, created?: string): readonly Seen[] => [
    imported,
    ...children.filter((child) => child !== made),
    observed(made, status),
    ...(pod ? [aPod(made, pod, created ? { creationTimestamp: created } : {})] : []),
  ]
  const replicas = (answer: ReturnType<typeof sync>): number =>
    (answer.children.find(({ kind }) => kind === workload) as Json).spec.replicas

  const asleep = sync(parent, seen(up, ended('idle')))

  test('sleeps since its watch ended, and says what wakes it', () => {
    expect(replicas(asleep)).toBe(0)
    expect(statusOf(asleep).idle).toEqual({ container: 'containerd://1', since: slept })
    expect(readyOf(asleep)).toMatch(
      /^True Idle: idle for 2h.*: kubectl annotate --overwrite \w+ \w+ substratus\.ai\/opened="\$\(date -u \+%FT%TZ\)" wakes it$/,
    )
  })

  test('sleeps on without its Pod, from its status or from its workload alone', () => {
    for (const one of [stored(parent, asleep), parent]) {
      const later = sync(one, [imported, ...applied(asleep)])
      expect(replicas(later)).toBe(0)
      expect(statusOf(later).idle).toEqual(statusOf(asleep).idle)
    }
  })

  test('sleeps by an end of the watch that is minutes old only if the watch was not restarted since', () => {
    const at = (now: string, one: Parent, pod: unknown) => {
      const hook = hooks.find(({ kind: { kind } }) => kind === one.kind)
      const request = { ...requestFor(one, ...seen(up, pod)), now }
      if (!hook) throw new Error(`no hook for ${one.kind}`)
      return throughJson(hook.sync(throughJson(request), aConfig()))
    }
    expect(replicas(at('2026-01-01T12:14:00Z', parent, ended('idle')))).toBe(0)
    // No hook has run for a while: the watch has gone on, and somebody may use the workload.
    const late = at('2026-01-01T12:16:00Z', parent, ended('idle'))
    expect(replicas(late)).toBe(1)
    expect(statusOf(late).idle).toBeUndefined()
    expect(replicas(at('2026-01-01T12:16:00Z', stored(parent, asleep), ended('idle')))).toBe(0)
    const { lastState: state } = (ended('idle').containerStatuses as Json)[1]
    const between = ended('idle', { ready: false, state, lastState: {} })
    expect(replicas(at('2026-01-01T12:16:00Z', parent, between))).toBe(0)
  })

  test('a wake that no sync has seen before the end of the watch is not swallowed', () => {
    const race = make(spec, opened('2026-01-01T12:00:01Z'))
    const answer = sync(race, seen(up, ended('idle')))
    expect(replicas(answer)).toBe(1)
    expect(readyOf(answer)).toMatch(/^True Serving/)
    // The same in each later sync, from the status of this one or without it.
    for (const one of [stored(race, answer), race])
      expect(replicas(sync(one, seen(up, ended('idle'))))).toBe(1)
  })

  test('a wake that the watch has outlasted does not prevent the sleep', () => {
    expect(
      replicas(sync(make(spec, opened('2026-01-01T09:00:00Z')), seen(up, ended('idle')))),
    ).toBe(0)
  })

  test('its status says when it was woken, and how long that took', () => {
    const woken = annotated(stored(parent, asleep), opened('2026-01-01T13:00:00.5Z'))
    const starting = sync(woken, seen({}))
    expect(replicas(starting)).toBe(1)
    expect(statusOf(starting).idle).toEqual({
      container: 'containerd://1',
      since: slept,
      woken: '2026-01-01T13:00:00Z',
    })
    const serving = sync(
      stored(woken, starting),
      seen(up, readyAt('2026-01-01T13:01:30Z'), '2026-01-01T13:00:02Z'),
    )
    const awake = { ...statusOf(starting).idle, wakingSeconds: 90 }
    expect(statusOf(serving).idle).toEqual(awake)
    // A probe that fails for a moment was no waking, nor is another value of the annotation.
    const later = sync(
      annotated(stored(woken, serving), opened('2026-01-01T15:00:00Z')),
      seen(up, readyAt('2026-01-01T14:00:00Z'), '2026-01-01T13:00:02Z'),
    )
    expect(statusOf(later).idle).toEqual(awake)
  })

  describe('woken', () => {
    const at = '2026-01-01T13:00:00Z'
    const woken = annotated(stored(parent, asleep), opened(at))
    const answer = sync(woken, seen({}))
    const without = (one: Parent) => annotated(one, { annotations: {} })

    test.each([
      {
        what: 'its status',
        one: stored(parent, answer),
        children: applied(asleep),
      },
      { what: 'its workload alone', one: parent, children: applied(answer) },
      {
        what: 'its workload before its status',
        one: stored(parent, asleep),
        children: applied(answer),
      },
    ])('it stays awake without the annotation, by $what', ({ one, children: stayed }) => {
      const later = sync(without(one), [imported, ...stayed])
      expect(replicas(later)).toBe(1)
      expect(statusOf(later).idle.woken).toBe(at)
    })

    test('its workload is written once for that', () => {
      const of = ({ children: all }: typeof answer) =>
        all.find(({ kind }) => kind === workload)?.metadata.annotations?.['substratus.ai/idle']
      const ready = readyAt('2026-01-01T13:01:30Z')
      const serving = sync(stored(woken, answer), seen(up, ready, '2026-01-01T13:00:02Z'))
      expect(statusOf(serving).idle.wakingSeconds).toBe(90)
      expect(of(serving)).toBe(of(answer))
    })

    test('by a value that is no time, it was woken when that was seen', () => {
      const hook = hooks.find(({ kind: { kind } }) => kind === parent.kind)
      const request = requestFor(annotated(stored(parent, asleep), opened('please')), ...seen({}))
      const now = '2026-01-01T13:00:07Z'
      const said = hook?.sync(throughJson({ ...request, now }), aConfig())
      expect(statusOf(throughJson(said) as typeof answer).idle.woken).toBe(now)
    })

    test('it sleeps again, although the status still has the sleep before', () => {
      const next = '2026-01-01T18:00:00Z'
      const again = ended('idle')
      const [, idle] = again.containerStatuses as Json
      Object.assign(idle.lastState.terminated, { containerID: 'containerd://2', finishedAt: next })
      const second = sync(stored(woken, answer), seen(up, again))
      expect(replicas(second)).toBe(0)
      for (const one of [woken, without(woken)]) {
        const later = sync(stored(one, answer), [imported, ...applied(second)])
        expect(replicas(later)).toBe(0)
        expect(statusOf(later).idle.since).toBe(next)
        // The same if the workload is the older one.
        const other = sync(stored(one, second), [imported, ...applied(answer)])
        expect(replicas(other)).toBe(0)
      }
    })
  })

  test('asleep, removing the annotation does not wake it', () => {
    const before = make(spec, opened('2026-01-01T09:00:00Z'))
    const first = sync(before, seen(up, ended('idle')))
    expect(replicas(first)).toBe(0)
    const without = annotated(stored(before, first), { annotations: {} })
    expect(replicas(sync(without, [imported, ...applied(first)]))).toBe(0)
  })

  test('asleep again, its status still says how long the last waking took', () => {
    const idle = {
      container: 'containerd://0',
      since: '2026-01-01T01:00:00Z',
      woken: '2026-01-01T02:00:00Z',
      wakingSeconds: 90,
    }
    const again = sync(
      make(spec, { ...opened('2026-01-01T02:00:00Z'), status: { idle } }),
      seen(up, ended('idle')),
    )
    expect(statusOf(again).idle).toEqual({
      container: 'containerd://1',
      since: slept,
      opened: '2026-01-01T02:00:00Z',
      wakingSeconds: 90,
    })
  })

  test('a value that is no time wakes it, too, though nobody knows when', () => {
    const woken = annotated(stored(parent, asleep), opened('please'))
    const answer = sync(woken, seen(up, readyAt('2026-01-01T13:01:30Z'), '2026-01-01T13:00:02Z'))
    expect(replicas(answer)).toBe(1)
    expect(statusOf(answer).idle).toEqual({ container: 'containerd://1', since: slept })
  })

  test('suspended, it is not woken', () => {
    const off = annotated(
      { ...stored(parent, asleep), spec: { ...spec, suspend: true } },
      opened('2026-01-01T13:00:00Z'),
    )
    const answer = sync(off, seen({}))
    expect(replicas(answer)).toBe(0)
    expect(readyOf(answer)).toMatch(/^True Suspended/)
    expect(statusOf(answer).idle).toBeUndefined()
  })

  test('a time that only a forged status has is not recorded', () => {
    const forged = ended('idle')
    const [server, idle] = forged.containerStatuses as Json
    idle.lastState.terminated.finishedAt = 'yesterday'
    const answer = sync(parent, seen(up, { ...forged, containerStatuses: [server, idle] }))
    expect(statusOf(answer).idle).toEqual({ container: 'containerd://1' })
    expect(replicas(answer)).toBe(0)
  })
})

describe('a ModelServer alone', () => {
  const spec = { ...model, runtime: 'llamacpp', idleTimeout: '2h' }
  const seen = (pod: unknown, of: object = spec): readonly Seen[] => {
    const children = applied(sync(aModelServer({ ...of }), [imported]), up)
    const made = children.find(({ kind }) => kind === 'Deployment') as Child
    return [imported, ...children, aPod(made, pod)]
  }

  test('with 0 replicas is suspended, not idle, so nothing wakes it', () => {
    const parent = aModelServer(
      { ...spec, replicas: 0 },
      {
        ...opened('2026-01-01T13:00:00Z'),
        status: { idle: { container: 'containerd://1', since: slept } },
      },
    )
    const answer = sync(parent, seen(ended('idle')))
    expect(readyOf(answer)).toBe('True Suspended: scaled to 0 replicas')
    expect(statusOf(answer).idle).toBeUndefined()
  })

  test('Ready says that the watch cannot tell, until it can', () => {
    const doubt = 'cannot tell: /metrics answers 501'
    expect(readyOf(sync(aModelServer(spec), seen(ended(doubt))))).toBe(
      `True Serving: 1 of 1 replicas available; idleTimeout has no effect, the idle watch ${doubt}`,
    )
    expect(readyOf(sync(aModelServer(spec), seen(ended('can tell again'))))).toBe(
      'True Serving: 1 of 1 replicas available',
    )
    // Between the end of the watch and its restart.
    const { lastState: state } = (ended(doubt).containerStatuses as Json)[1]
    const between = ended(doubt, { ready: false, state, lastState: {} })
    expect(readyOf(sync(aModelServer(spec), seen(between)))).toContain(doubt)
  })

  const answered = (more: object): Json => {
    const { children } = sync(aModelServer({ ...model, idleTimeout: '2h', ...more }), [imported])
    const of = (kind: string) => children.find((child) => child.kind === kind) as Json
    const { initContainers = [], containers, volumes } = of('Deployment').spec.template.spec
    const named = (name: string) =>
      [...initContainers, ...containers].find((container: Json) => container.name === name)
    return { named, volumes, port: of('Service').spec.ports[0].targetPort }
  }

  test('is watched by the metrics of a preset that counts', () => {
    const { named, port } = answered({ runtime: 'vllm', port: 9000 })
    expect(named('idle').args).toEqual([
      'idle',
      '--timeout=2h',
      '--health=http://127.0.0.1:9000/health',
      '--folder=/run/idle-watch',
      '--metrics=http://127.0.0.1:9000/metrics',
      '--running=vllm:num_requests_running',
      '--waiting=vllm:num_requests_waiting',
      '--activity=vllm:prompt_tokens_total',
      '--activity=vllm:generation_tokens_total',
      '--activity=vllm:request_success_total',
    ])
    expect(named('relay')).toBeUndefined()
    expect(port).toBe(9000)
  })

  test.each([
    {
      when: 'its image is its own',
      more: { image: 'example.com/server:1' },
      probes: ['/', '/metrics'],
    },
    {
      when: 'its preset counts nothing',
      more: { runtime: 'tei' },
      probes: ['/health', '/metrics'],
    },
    {
      when: 'a command may start something else than the preset',
      more: { runtime: 'vllm', command: ['python3', 'serve.py'] },
      probes: ['/health', '/metrics'],
    },
    {
      when: 'it has another readiness path',
      more: { image: 'example.com/server:1', health: '/up' },
      probes: ['/up', '/metrics'],
    },
  ])('is watched by a relay if $when, and the Service leads there', ({ more, probes }) => {
    const { named, port } = answered(more)
    expect(named('relay').args).toEqual([
      'relay',
      '--port=18080',
      '--to=8080',
      '--relay=/run/idle-watch/relay.sock',
      ...probes.map((path) => `--probe-path=${path}`),
    ])
    expect(named('relay').restartPolicy).toBe('Always')
    expect(named('idle').args).toContain('--relay=/run/idle-watch/relay.sock')
    expect(port).toBe(18080)
    // Probes reach the server itself.
    expect(named('server').readinessProbe.httpGet.port).toBe('http')
  })

  test('the relay avoids the ports that the server declares', () => {
    const { named, port } = answered({
      image: 'example.com/server:1',
      port: 18080,
      pod: { container: { ports: [{ name: 'more', containerPort: 18081 }] } },
    })
    expect(named('relay').ports[0].containerPort).toBe(18082)
    expect(port).toBe(18082)
  })

  test('the Service leads to the relay once no Pod without one answers', () => {
    const own = { ...model, image: 'example.com/server:1' }
    const before = applied(sync(aModelServer(own), [imported]), up)
    const old = before.find(({ kind }) => kind === 'Deployment') as Child
    const portOf = (...pods: readonly Child[]): number => {
      const { children } = sync(aModelServer({ ...own, idleTimeout: '2h' }), [
        imported,
        ...before,
        ...pods,
      ])
      return (children.find(({ kind }) => kind === 'Service') as Json).spec.ports[0].targetPort
    }
    const ready = readyAt('2026-01-01T00:00:00Z')
    const relayed = applied(sync(aModelServer({ ...own, idleTimeout: '2h' }), [imported])).find(
      ({ kind }) => kind === 'Deployment',
    ) as Child
    const next = aPod(relayed, ready, { name: 'next' })
    expect(portOf(aPod(old, ready))).toBe(8080)
    expect(portOf(aPod(old, ready), next)).toBe(8080)
    const last = aPod(old, ready)
    const leaving = { ...last.metadata, deletionTimestamp: '2026-01-01T00:01:00Z' }
    expect(portOf({ ...last, metadata: leaving }, next)).toBe(18080)
    expect(portOf(next)).toBe(18080)
  })

  test('it is synced again soon while a Pod without a relay is all that was seen of the rollout', () => {
    const own = { ...model, image: 'example.com/server:1' }
    const of = (spec: Readonly<Record<string, unknown>>) => {
      const children = applied(sync(aModelServer(spec), [imported]), up)
      return { children, made: children.find(({ kind }) => kind === 'Deployment') as Child }
    }
    const old = of(own)
    const relayed = of({ ...own, idleTimeout: '2h' })
    const again = (pod: Child) =>
      sync(aModelServer({ ...own, idleTimeout: '2h' }), [imported, ...relayed.children, pod])
        .resyncAfterSeconds
    const ready = readyAt('2026-01-01T00:00:00Z')
    expect(again(aPod(old.made, ready))).toBe(60)
    expect(again(aPod(relayed.made, ready))).toBe(600)
  })
})
