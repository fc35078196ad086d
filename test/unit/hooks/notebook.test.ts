import { describe, expect, test } from 'vitest'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aNotebook,
  aPod,
  applied,
  namesOf,
  observed,
  readyOf,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

const spec = { idleTimeout: '2h' }
const ready = { replicas: 1, readyReplicas: 1, updateRevision: 'new' }

/** The children of the first answer, with a StatefulSet in some state and perhaps its Pod. */
function seenWith(status: unknown, pod?: unknown, revision = 'new'): readonly Seen[] {
  const children = applied(sync(aNotebook(spec)))
  const stateful = children.find(({ kind }) => kind === 'StatefulSet') as Child
  return [
    ...children.filter((child) => child !== stateful),
    observed(stateful, status),
    ...(pod ? [aPod(stateful, pod, { labels: { 'controller-revision-hash': revision } })] : []),
  ]
}

const unpullable = {
  phase: 'Pending',
  containerStatuses: [
    {
      name: 'notebook',
      image: 'typo:1',
      state: { waiting: { reason: 'ErrImagePull', message: 'not found' } },
    },
  ],
}
const up = { phase: 'Running', containerStatuses: [{ name: 'notebook', ready: true }] }
const idle = (containerID: string) => ({
  phase: 'Running',
  containerStatuses: [
    { name: 'notebook', ready: true },
    {
      name: 'idle',
      state: { running: {} },
      lastState: { terminated: { exitCode: 0, message: 'idle\n', containerID } },
    },
  ],
})

describe('Ready of a Notebook', () => {
  test.each<{ when: string; spec?: object; seen: readonly Seen[]; ready: string | RegExp }>([
    {
      when: 'it was just created',
      seen: [],
      ready: 'False Pending: creating StatefulSet "explore-notebook"',
    },
    {
      when: 'it refers to a Dataset that does not exist',
      spec: { dataset: { name: 'squad' } },
      seen: [],
      ready: 'False ReferenceMissing: Dataset "squad" does not exist in this namespace',
    },
    {
      when: 'its Pod is starting',
      seen: seenWith({}, { phase: 'Running' }),
      ready: 'False Starting: Pod "explore-notebook-x7k2p" runs and does not answer yet',
    },
    {
      when: 'it answers',
      seen: seenWith(ready, up),
      ready: 'True Serving: kubectl port-forward svc/explore-notebook 8888',
    },
    {
      when: 'its Pod is of an older spec',
      seen: seenWith(ready, up, 'old'),
      ready:
        /^True UpdatePending: runs with an older spec, .*: kubectl delete pod explore-notebook-x7k2p restarts it$/,
    },
    {
      when: 'another image was just requested',
      spec: { ...spec, image: 'right:1' },
      seen: seenWith(ready, up),
      ready:
        /^True UpdatePending: runs with an older spec, .*: kubectl delete pod explore-notebook-x7k2p restarts it$/,
    },
    {
      when: 'its image cannot be pulled',
      seen: seenWith({ replicas: 1, updateRevision: 'new' }, unpullable),
      ready: 'False ImagePullFailed: container "notebook": cannot pull image "typo:1": not found',
    },
    {
      when: 'the image was corrected, but its Pod has the older spec',
      seen: seenWith({ replicas: 1, updateRevision: 'new' }, unpullable, 'old'),
      ready:
        'False ImagePullFailed: container "notebook": cannot pull image "typo:1": not found; kubectl delete pod explore-notebook-x7k2p takes the changed spec',
    },
    {
      when: 'the image was just corrected',
      spec: { ...spec, image: 'right:1' },
      seen: seenWith({ replicas: 1, updateRevision: 'old' }, unpullable, 'old'),
      ready:
        'False ImagePullFailed: container "notebook": cannot pull image "typo:1": not found; kubectl delete pod explore-notebook-x7k2p takes the changed spec',
    },
    {
      when: 'it is suspended',
      spec: { suspend: true },
      seen: seenWith(ready, up),
      ready: 'True Suspended: spec.suspend is true; the home is kept',
    },
    {
      when: 'it was idle',
      seen: seenWith(ready, idle('containerd://1')),
      ready:
        /^True Idle: idle for 2h; the home is kept: kubectl annotate --overwrite notebook explore substratus\.ai\/opened=/,
    },
  ])('$when', ({ spec: requested = spec, seen, ready: says }) => {
    expect(readyOf(sync(aNotebook({ ...requested }), seen))).toMatch(says)
  })
})

describe('idle', () => {
  const seen = seenWith(ready, idle('containerd://1'))
  const slept = sync(aNotebook(spec), seen)
  const asleep = stored(aNotebook(spec), slept)
  const replicas = (answer: typeof slept): number => theChild(answer, 'StatefulSet').spec.replicas

  test('scales to zero, and stays there without a Pod', () => {
    expect(replicas(slept)).toBe(0)
    expect(statusOf(slept).idle).toEqual({ container: 'containerd://1' })
    const later = sync(asleep, seenWith({}))
    expect(replicas(later)).toBe(0)
    expect(readyOf(later)).toMatch(/^True Idle/)
  })

  test('stays at zero if its Pod is gone before its status is observed', () => {
    const children = applied(slept)
    const late = sync(aNotebook(spec), children)
    expect(replicas(late)).toBe(0)
    expect(statusOf(late).idle).toEqual({ container: 'containerd://1' })
    expect(applied(late)).toEqual(children)
  })

  test('stays at zero while it is blocked, until it is opened', () => {
    const lost = { ...spec, dataset: { name: 'squad' } }
    const children = applied(sync(aNotebook(lost), seen))
    const late = sync(aNotebook(lost), children)
    expect(replicas(late)).toBe(0)
    expect(readyOf(late)).toMatch(/^True Idle/)
    expect(applied(late)).toEqual(children)
    const annotations = { 'substratus.ai/opened': 'now' }
    const woken = sync(aNotebook(lost, { annotations }), children)
    expect(replicas(woken)).toBe(1)
    expect(theChild(woken, 'StatefulSet').metadata.annotations).toEqual({
      'substratus.ai/idle': '{}',
    })
  })

  test('the annotation of its StatefulSet counts until it is opened or the spec changes', () => {
    const children = applied(slept)
    const annotations = { 'substratus.ai/opened': 'now' }
    for (const changed of [{ annotations }, { generation: 3 }]) {
      const woken = sync(aNotebook(spec, changed), children)
      expect(replicas(woken)).toBe(1)
      expect(theChild(woken, 'StatefulSet').metadata.annotations).toEqual({
        'substratus.ai/idle': '{}',
      })
    }
  })

  const opened = {
    ...asleep,
    metadata: { ...asleep.metadata, annotations: { 'substratus.ai/opened': 'now' } },
  }
  test('opening starts it, and the old container does not stop it again', () => {
    const woken = sync(opened, seen)
    expect(replicas(woken)).toBe(1)
    expect(replicas(sync(stored(opened, woken), seen))).toBe(1)
  })

  test('idle again, with the status of the first time: stays at zero until it is opened', () => {
    const second = sync(opened, seenWith(ready, idle('containerd://2')))
    const children = applied(second)
    const late = sync(opened, children)
    expect(replicas(late)).toBe(0)
    expect(statusOf(late).idle).toEqual({ container: 'containerd://2', opened: 'now' })
    const annotations = { 'substratus.ai/opened': 'later' }
    const reopened = { ...opened, metadata: { ...opened.metadata, annotations } }
    expect(replicas(sync(reopened, children))).toBe(1)
    const leaving = seenWith(ready, idle('containerd://2')).filter(({ kind }) => kind === 'Pod')
    expect(replicas(sync(reopened, [...children, ...leaving]))).toBe(1)
  })

  test('suspend and resume start it too', () => {
    const suspended = { ...asleep, spec: { ...spec, suspend: true } }
    const off = sync(suspended, seenWith({}))
    expect([replicas(off), statusOf(off).idle]).toEqual([0, undefined])
    const resumed = sync({ ...stored(suspended, off), spec }, seenWith({}))
    expect(replicas(resumed)).toBe(1)
  })

  test('Ready says that its former Pod still stops, whose successor has its name', () => {
    const stopping = seen.map((it) => {
      if (it.kind === 'StatefulSet') return { ...it, status: {} }
      const leaving = { deletionTimestamp: '2026-01-01T00:01:00Z', deletionGracePeriodSeconds: 30 }
      return it.kind === 'Pod' ? { ...it, metadata: { ...it.metadata, ...leaving } } : it
    })
    expect(readyOf(sync(aNotebook(spec), stopping))).toMatch(
      /^False Pending: the former Pod "\S+" still stops, for at most 30 s \(terminationGracePeriodSeconds\)/,
    )
  })

  test('a terminating Pod does not stop it', () => {
    const leaving = seen.map((it) =>
      it.kind === 'Pod'
        ? { ...it, metadata: { ...it.metadata, deletionTimestamp: '2026-01-01T00:01:00Z' } }
        : it,
    )
    expect(replicas(sync(aNotebook(spec), leaving))).toBe(1)
  })

  test('stays at zero if its Dataset is gone', () => {
    const lost = { ...spec, dataset: { name: 'squad' } }
    const answer = sync(aNotebook(lost), seen)
    expect(replicas(answer)).toBe(0)
    expect(readyOf(answer)).toMatch(/^True Idle/)
    expect(replicas(sync({ ...opened, spec: lost }, seenWith({})))).toBe(1)
  })

  test('a new container that was idle stops it again', () => {
    const again = sync(opened, seenWith(ready, idle('containerd://2')))
    expect(replicas(again)).toBe(0)
  })
})

test('its NetworkPolicy and Service are created again, even while it is blocked', () => {
  const lost = { ...spec, dataset: { name: 'squad' } }
  const seen = seenWith(ready, up).filter(
    ({ kind }) => kind !== 'NetworkPolicy' && kind !== 'Service',
  )
  const names = namesOf(sync(aNotebook(lost), seen))
  expect(names).toContain('NetworkPolicy explore-notebook')
  expect(names).toContain('Service explore-notebook')
  expect(namesOf(sync(aNotebook(lost)))).toEqual(['PersistentVolumeClaim explore-notebook-home'])
})

test('port-forwarding is the only access', () => {
  const answer = sync(aNotebook(spec))
  expect(namesOf(answer)).toEqual([
    'PersistentVolumeClaim explore-notebook-home',
    'StatefulSet explore-notebook',
    'Service explore-notebook',
    'NetworkPolicy explore-notebook',
  ])
  expect(theChild(answer, 'Service').spec).toMatchObject({ clusterIP: 'None' })
  expect(theChild(answer, 'NetworkPolicy').spec).not.toHaveProperty('ingress')
  expect(theChild(answer, 'StatefulSet').spec.updateStrategy).toEqual({ type: 'OnDelete' })
})

test('no child contains a token, a password or a Secret', () => {
  const text = JSON.stringify(sync(aNotebook(spec)).children)
  expect(text).not.toMatch(/token=|password|"kind":"Secret"/i)
})

describe('what a Notebook is started with', () => {
  test.each([
    {
      when: 'alone',
      more: {},
      command: [
        'jupyter',
        'lab',
        '--no-browser',
        '--allow-root',
        '--ip=0.0.0.0',
        '--port=8888',
        '--ServerApp.root_dir=/content',
        '--ServerApp.preferred_dir=/content/home',
      ],
      args: undefined,
    },
    {
      when: 'another folder to open in',
      more: { args: ['--FileContentsManager.preferred_dir=/content/data'] },
      command: [
        'jupyter',
        'lab',
        '--no-browser',
        '--allow-root',
        '--ip=0.0.0.0',
        '--port=8888',
        '--ServerApp.root_dir=/content',
      ],
      args: ['--FileContentsManager.preferred_dir=/content/data'],
    },
    {
      when: 'args of Jupyter’s flags, by whichever names, and others; its home is outside of another root',
      more: { args: ['--notebook-dir', '/srv', '--ServerApp.ip=::', '--debug'] },
      command: ['jupyter', 'lab', '--no-browser', '--allow-root', '--port=8888'],
      args: ['--notebook-dir', '/srv', '--ServerApp.ip=::', '--debug'],
    },
    {
      when: 'a command and args',
      more: { command: ['code-server'], args: ['--bind-addr=[::]:{port}', '{model}'] },
      command: ['code-server'],
      args: ['--bind-addr=[::]:8888', '{model}'],
    },
  ])('with $when', ({ more, command, args }) => {
    const [container] = theChild(sync(aNotebook(more)), 'StatefulSet').spec.template.spec.containers
    expect([container.command, container.args]).toEqual([command, args])
  })
})

describe('the watch for idleness', () => {
  const watchOf = (more: object, config = {}) =>
    theChild(
      sync(aNotebook({ ...spec, ...more }), [], aConfig(config)),
      'StatefulSet',
    ).spec.template.spec.containers.find(({ name }: { name: string }) => name === 'idle')

  test('asks Jupyter', () => {
    expect(watchOf({}).args).toEqual(['idle', '--timeout=2h', '--url=http://127.0.0.1:8888'])
  })

  test('also watches the port if a command may start something else', () => {
    expect(watchOf({ command: ['code-server'] }).args).toEqual([
      'idle',
      '--timeout=2h',
      '--url=http://127.0.0.1:8888',
      '--port=8888',
    ])
  })

  test('is no root where Pods may not be', () => {
    expect(watchOf({}).securityContext).toEqual({ allowPrivilegeEscalation: false })
    expect(watchOf({}, { podSecurity: 'restricted' }).securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      runAsUser: 1000,
    })
  })

  test('is the user of Jupyter where Pods may not be root, for only that user can read its token', () => {
    const pod = { securityContext: { runAsUser: 4711 } }
    const { securityContext } = watchOf({ pod }, { podSecurity: 'restricted' })
    expect(securityContext.runAsUser).toBe(4711)
  })
})
