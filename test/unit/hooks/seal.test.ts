import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import { seal } from '../../../tools/seal.ts'
import {
  aConfig,
  aDataset,
  aModel,
  aPod,
  applied,
  type Child,
  childrenOf,
  complete,
  completed,
  conditionOf,
  digest,
  earlierJob,
  ended,
  failed,
  type Json,
  observed,
  readyOf,
  report,
  running,
  type Seen,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** What a user's program has written is sealed by a Job of its own. */

const spec = { image: 'example.com/train:1', params: { epochs: 1 }, package: 'Never' }
const gpu = { resources: { gpu: { type: 'nvidia-l4', count: 1 } } }

/** The objects that a response requests; the Jobs of the stages in `status` have that status. */
function made(answer: ReturnType<typeof sync>, status: Readonly<Record<string, unknown>> = {}) {
  return answer.children.map((child) => {
    const stage = child.metadata.labels?.['substratus.ai/stage'] ?? ''
    return observed(child, child.kind === 'Job' ? (status[stage] ?? running) : undefined)
  })
}

const jobOf = (children: readonly Child[], stage: string): Child => {
  const job = children.find(
    ({ kind, metadata }) => kind === 'Job' && metadata.name.includes(`-${stage}-`),
  )
  if (!job) throw new Error(`no Job of ${stage}`)
  return job
}
const isJob = ({ kind }: Child): boolean => kind === 'Job'

/** A Model whose program has ended: its parent, its objects and the answer to that. */
function ran(parent: Parent, config: Config = aConfig(), more: readonly Child[] = []) {
  const first = sync(parent, [], config)
  const children = made(first, { run: completed })
  const pod = aPod(jobOf(children, 'run'), ended(0, report({ bytes: 1 })))
  const seen: readonly Seen[] = [...children, pod, ...more]
  return { parent: stored(parent, first), seen, answer: sync(stored(parent, first), seen, config) }
}

/** The same, once the result is sealed. */
function sealed(parent: Parent, config: Config = aConfig()) {
  const { parent: before, answer } = ran(parent, config)
  const children = made(answer, { run: completed, seal: completed })
  const pods = [aPod(jobOf(children, 'seal'), ended(0, report({ bytes: 5 })))]
  const seen = [...children, ...pods]
  const now = stored(before, answer)
  return { parent: now, seen, answer: sync(now, seen, config) }
}

describe('once the program has ended', () => {
  const { answer } = ran(aModel({ ...spec, ...gpu }))
  const seal = jobOf(answer.children, 'seal')
  const pod = seal.spec.template.spec

  test('its result counts as written, and not as the result', () => {
    const { run, written } = statusOf(answer).stages ?? {}
    expect(run).toBeUndefined()
    expect(written).toMatchObject({ node: 'one', storage: 'pvc', image: spec.image })
    expect(statusOf(answer).artifacts).toBeUndefined()
    expect(conditionOf(answer, 'Complete')).toBe(
      `False Sealing: starting Job "${seal.metadata.name}"`,
    )
  })

  test('nothing that it says is taken for a digest or a size', () => {
    expect(statusOf(answer).stages?.written).not.toHaveProperty('digest')
    expect(statusOf(answer).stages?.written).not.toHaveProperty('bytes')
  })

  test('a Job without a GPU seals it', () => {
    expect(pod.containers).toHaveLength(1)
    expect(pod.containers[0].args).toEqual([
      'seal',
      `--artifacts=/storage/run/${statusOf(answer).stages?.written?.attempt}`,
      '--storage=/storage',
    ])
    expect(JSON.stringify(pod)).not.toContain('nvidia.com/gpu":')
    // If the program has written nothing, sealing is not tried three times.
    expect(seal.spec.podFailurePolicy.rules[0]).toEqual({
      action: 'FailJob',
      onExitCodes: { containerName: 'seal', operator: 'In', values: [3] },
    })
  })

  test('it prefers the node that wrote it', () => {
    expect(pod.affinity).toEqual({
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            preference: {
              matchFields: [{ key: 'metadata.name', operator: 'In', values: ['one'] }],
            },
          },
        ],
      },
    })
  })

  test('it needs that node if the result is on the node’s disk', () => {
    const config = aConfig({
      storage: { driver: 'hostPath', hostPath: { path: '/data', allowed: true } },
    })
    const there = jobOf(ran(aModel(spec), config).answer.children, 'seal').spec.template.spec
    const { requiredDuringSchedulingIgnoredDuringExecution: required } = there.affinity.nodeAffinity
    expect(required.nodeSelectorTerms[0].matchFields[0].values).toEqual(['one'])
  })

  test('it waits once for the Pod that tells on which node’s disk the result is', () => {
    const hostPath = { path: '/data', allowed: true }
    const config = aConfig({ storage: { driver: 'hostPath', hostPath } })
    const parent = aModel(spec)
    const first = sync(parent, [], config)
    const children = made(first, { run: completed })
    const answer = sync(stored(parent, first), children, config)
    expect(readyOf(answer)).toMatch(/^False Finishing/)
    const next = sync(stored(parent, answer), made(answer, { run: completed }), config)
    expect(Object.keys(statusOf(next).stages ?? {})).toEqual(['written'])
  })

  test('it waits for no Pod if that disk is no longer in the configuration', () => {
    const hostPath = { path: '/data', allowed: true }
    const parent = aModel(spec)
    const first = sync(parent, [], aConfig({ storage: { driver: 'hostPath', hostPath } }))
    const children = made(first, { run: completed })
    const answer = sync(stored(parent, first), children)
    expect(readyOf(answer)).toMatch(/^False StorageUnknown/)
    expect(sync(stored(parent, answer), children)).toEqual(answer)
  })

  test('it may run wherever the program could', () => {
    const tolerations = [{ key: 'nvidia.com/gpu', operator: 'Exists' as const }]
    const profile = { resourceName: 'nvidia.com/gpu', nodeSelector: { pool: 'gpu' }, tolerations }
    const config = aConfig({
      gpus: { default: 'big', profiles: { big: profile } },
      podFields: ['nodeSelector', 'tolerations', 'affinity'],
    })
    const zone = [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }]
    const own = {
      nodeSelector: { 'kubernetes.io/arch': 'arm64' },
      tolerations: [{ key: 'team', operator: 'Exists' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: zone },
        },
        podAffinity: {},
      },
    }
    const parent = aModel({ ...spec, resources: { gpu: { count: 1 } }, pod: own })
    const there: Json = jobOf(ran(parent, config).answer.children, 'seal').spec.template.spec
    expect(there.nodeSelector).toEqual({ pool: 'gpu', 'kubernetes.io/arch': 'arm64' })
    expect(there.tolerations).toEqual([...own.tolerations, ...tolerations])
    expect(Object.keys(there.affinity)).toEqual(['nodeAffinity'])
    expect(
      there.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms,
    ).toEqual(zone)
  })

  test('it has the identity of the program, and what policies ask of its Pod', () => {
    const own = {
      labels: { team: 'a' },
      serviceAccountName: 'bucket-user',
      securityContext: { fsGroup: 2000 },
    }
    const config = aConfig({ pods: { Model: own } })
    const template: Json = jobOf(ran(aModel(spec), config).answer.children, 'seal').spec.template
    expect(template.metadata.labels).toMatchObject({ team: 'a', 'substratus.ai/stage': 'seal' })
    expect(template.spec.serviceAccountName).toBe('bucket-user')
    expect(template.spec.securityContext).toMatchObject({
      fsGroup: 2000,
      supplementalGroups: [3003],
    })
  })

  test('it does not queue behind trainings if the administrator has a queue for it', () => {
    const label = 'kueue.x-k8s.io/queue-name'
    const queueOf = (labels: Readonly<Record<string, string>>, config?: Config) => {
      const { answer } = ran(aModel(spec, { labels }), config)
      return ['run', 'seal'].map((stage) => jobOf(answer.children, stage).metadata.labels?.[label])
    }
    const config = aConfig({ queues: { tools: 'tools' } })
    expect(queueOf({ [label]: 'gpus' }, config)).toEqual(['gpus', 'tools'])
    expect(queueOf({ [label]: 'gpus' })).toEqual(['gpus', 'gpus'])
    expect(queueOf({}, config)).toEqual([undefined, undefined])
  })

  test('nothing but a program is sealed apart: the loader seals what it loads', () => {
    const load = theChild(sync(aDataset({ source: 'https://example.com/squad' })), 'Job')
    const { containers, initContainers } = load.spec.template.spec
    expect([containers.length, initContainers]).toEqual([1, undefined])
    expect(containers[0].args).toContain('--storage=/storage')
  })
})

describe('a sealed result', () => {
  test('names both Jobs, and the program’s one is no longer only written', () => {
    const { answer, seen } = sealed(aModel(spec))
    const { run, ...others } = statusOf(answer).stages ?? {}
    expect(others).toEqual({})
    const children = seen as readonly Child[]
    expect(run).toMatchObject({
      job: jobOf(children, 'run').metadata.name,
      seal: jobOf(children, 'seal').metadata.name,
      digest,
      bytes: 5,
    })
    expect(run).not.toHaveProperty('node')
    expect(readyOf(answer)).toMatch(/^True Done: served from storage: pvc:\/\//)
    expect(conditionOf(answer, 'Complete')).toBe(`True Done: ${spec.image}`)
    expect(childrenOf(answer, 'Job')).toHaveLength(2)
  })

  test('is sealed again if that fails, and the program does not run again', () => {
    const { parent, answer } = ran(aModel(spec))
    const full = ended(1, 'no space left on device')
    const children = made(answer, { run: completed, seal: failed() })
    const seen = [...children, aPod(jobOf(children, 'seal'), full)]
    const after = sync(stored(parent, answer), seen)
    expect(readyOf(after)).toBe(
      'False Failed: container "seal" exited with 1: no space left on device',
    )
    // kubectl delete job: both Jobs may go, and only the seal is created again.
    const again = sync(
      stored(parent, after),
      children.filter((child) => !isJob(child)),
    )
    expect(childrenOf(again, 'Job').map(({ metadata }) => metadata.name)).toEqual([
      jobOf(children, 'seal').metadata.name,
    ])
  })

  test('does not exist if the program wrote nothing: Ready says what runs it again', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'substratus-empty-'))
    const message = await seal(empty).catch((error: Error) => error.message)
    rmSync(empty, { recursive: true })
    const { parent, answer } = ran(aModel(spec))
    const children = made(answer, { run: completed, seal: failed() })
    const seen = [...children, aPod(jobOf(children, 'seal'), ended(3, String(message)))]
    const after = sync(stored(parent, answer), seen)
    expect(readyOf(after)).toBe(
      'False Failed: container "seal" exited with 3: nothing was written to /content/artifacts: there is no result to keep; the program runs again once the spec is changed, or by kubectl annotate --overwrite model falcon substratus.ai/rerun="$(date)"',
    )
    const now = stored(parent, after)
    const annotations = { 'substratus.ai/rerun': 'now' }
    const again = sync({ ...now, metadata: { ...now.metadata, annotations } }, seen)
    expect(readyOf(again)).toMatch(/^False Pending: starting Job "falcon-model-run-/)
  })

  test('of a bucket without a workspace does not exist either', () => {
    const config = aConfig({ storage: { driver: 's3', s3: { bucket: 'b' } } })
    const first = sync(aModel(spec), [], config)
    const children = made(first, { run: failed() })
    const pod = aPod(jobOf(children, 'run'), ended(3, 'nothing was written to /content/artifacts'))
    expect(readyOf(sync(stored(aModel(spec), first), [...children, pod], config))).toMatch(
      /; the program runs again once the spec is changed, or by kubectl annotate /,
    )
  })

  test('is sealed again if the program runs again because its Job was deleted before it was recorded', () => {
    const { parent, answer } = ran(aModel(spec))
    const children = made(answer, { run: completed, seal: completed })
    const [run, ...others] = [jobOf(children, 'run'), ...children].filter(
      (child, at) => at === 0 || !child.metadata.name.includes('-run-'),
    )
    // The status with the record was lost, and so is the Job.
    const lost = { ...parent, status: {} }
    const again = sync(lost, others)
    expect(childrenOf(again, 'Job').map(({ metadata }) => metadata.name)).toEqual([
      run?.metadata.name,
    ])
    // If only the status was lost, the Job that seals continues.
    expect(childrenOf(sync(lost, children), 'Job')).toHaveLength(2)
  })

  test('lets each Job expire once its own record is stored', () => {
    const parent = aModel({ ...spec, runPolicy: { ttlSecondsAfterFinished: 60 } })
    const ttls = (answer: ReturnType<typeof sync>) =>
      childrenOf(answer, 'Job').map((job) => job.spec.ttlSecondsAfterFinished)
    const first = ran(parent)
    expect(ttls(first.answer)).toEqual([undefined, undefined])
    const second = sealed(parent)
    expect(ttls(second.answer)).toEqual([60, undefined])
    expect(ttls(sync(stored(second.parent, second.answer), second.seen))).toEqual([60, 60])
  })

  test('is not lost when the program of another spec has ended meanwhile', () => {
    const first = sealed(aModel(spec))
    const done = stored(first.parent, first.answer)
    const changed = { ...done, spec: { ...spec, params: { epochs: 2 } } } as Parent
    const started = sync(changed, first.seen)
    const children = made(started, { run: completed, seal: completed })
    const during = sync(stored(changed, started), children)
    expect(Object.keys(statusOf(during).stages ?? {})).toEqual(['run', 'written'])
    const back = { ...stored(changed, during), spec: done.spec } as Parent
    const reverted = sync(back, children)
    expect(readyOf(reverted)).toMatch(/^True Done/)
    expect(statusOf(reverted).artifacts).toEqual(statusOf(first.answer).artifacts)
    // And the other result only needs to be sealed.
    const forth = sync({ ...stored(back, reverted), spec: changed.spec } as Parent, [
      ...made(reverted, { run: completed, seal: completed }),
    ])
    expect(readyOf(forth)).toMatch(/^False Sealing: starting Job "falcon-model-seal-/)
    expect(Object.keys(statusOf(forth).stages ?? {})).toEqual(['run', 'written'])
  })
})

describe('a Job of 0.1.0, which sealed in its own Pod', () => {
  const parent = aModel(spec)
  const first = sync(parent)
  const claims = applied(first).filter((child) => !isJob(child))
  const job = (status: unknown) => earlierJob(theChild(first, 'Job'), status)
  const answerTo = (status: unknown, pod?: object, config?: Config) => {
    const one = job(status)
    return sync(stored(parent, first), [...claims, one, ...(pod ? [aPod(one, pod)] : [])], config)
  }

  test('continues, and no other Job is created', () => {
    const answer = answerTo(running, { phase: 'Running' })
    expect(childrenOf(answer, 'Job').map(({ metadata }) => metadata.name)).toEqual([
      job(running).metadata.name,
    ])
  })

  test('has a sealed result', () => {
    const answer = answerTo(completed, ended(0, report({ bytes: 5 })))
    expect(statusOf(answer).stages).toMatchObject({ run: { digest, bytes: 5 } })
    expect(readyOf(answer)).toMatch(/^True Done/)
  })

  const programEnded = (exitCode: number) => ({
    ...ended(1, 'no space left on device'),
    initContainerStatuses: [{ name: 'run', state: { terminated: { exitCode } } }],
  })

  test('that failed to seal has written a result, which is sealed now', () => {
    const answer = answerTo(failed(), programEnded(0))
    expect(statusOf(answer).stages?.written?.job).toBe(job(failed()).metadata.name)
    expect(jobOf(answer.children, 'seal').spec.template.spec.volumes[0]).toMatchObject({
      persistentVolumeClaim: { claimName: 'falcon-model-artifacts' },
    })
  })

  test('whose program failed has failed', () => {
    expect(readyOf(answerTo(failed(), programEnded(2)))).toMatch(/^False Failed/)
  })

  test('that wrote to the disk of its node has failed', () => {
    const config = aConfig({ storage: { driver: 's3', s3: { bucket: 'b' } } })
    const made = aJobIn(sync(parent, [], config))
    const pod = aPod(made, programEnded(0))
    expect(readyOf(sync(parent, [{ ...made, status: failed() }, pod], config))).toMatch(
      /^False Failed/,
    )
  })
})

const aJobIn = (answer: ReturnType<typeof sync>): Child => observed(theChild(answer, 'Job'))

describe('with a bucket and a workspace', () => {
  const s3 = { bucket: 'b', workspace: { className: 'fast' } }
  const config = aConfig({ storage: { driver: 's3', s3 } })
  const claims = (answer: ReturnType<typeof sync>) =>
    childrenOf(answer, 'PersistentVolumeClaim').map(({ metadata }) => metadata.name)

  test('the work is done in a claim, and copied from there', () => {
    const first = sync(aModel(spec), [], config)
    expect(theChild(first, 'PersistentVolumeClaim').spec.storageClassName).toBe('fast')
    const { answer } = ran(aModel(spec), config)
    const { containers, volumes } = jobOf(answer.children, 'seal').spec.template.spec
    expect(containers[0].args).toContain('--to=s3://b/default/model-falcon')
    expect(volumes).toEqual([
      { name: 'artifacts', persistentVolumeClaim: { claimName: 'falcon-model-workspace' } },
    ])
  })

  test('the image that copies to the bucket does so after another driver is configured', () => {
    const former = aConfig({ storage: { driver: 'pvc', s3, former: ['s3://b'] } })
    const { parent, answer } = ran(aModel(spec), config)
    const { children } = sync(stored(parent, answer), made(answer), former)
    const [{ image, args }] = jobOf(children, 'seal').spec.template.spec.containers
    expect(args).toContain('--to=s3://b/default/model-falcon')
    expect(image).toBe(former.images.loader)
  })

  test('the claim is deleted once the status of the request has the result', () => {
    const { parent, answer, seen } = sealed(aModel(spec), config)
    expect(readyOf(answer)).toMatch(/^True Done: served from storage: s3:\/\/b\//)
    expect(claims(answer)).toEqual(['falcon-model-workspace'])
    const next = sync(stored(parent, answer), seen, config)
    expect(claims(next)).toEqual([])
    // Its Pods would hold it, so their Jobs go, too.
    expect(childrenOf(answer, 'Job')).toHaveLength(2)
    expect(childrenOf(next, 'Job')).toEqual([])
    expect(readyOf(next)).toBe(readyOf(answer))
    const rerun = stored(parent, next)
    const annotations = { 'substratus.ai/rerun': 'again' }
    const anew = sync({ ...rerun, metadata: { ...rerun.metadata, annotations } }, [], config)
    expect(claims(anew)).toEqual(['falcon-model-workspace'])
  })

  test('the claim stays while the result of another spec waits there to be sealed', () => {
    const first = sealed(aModel(spec), config)
    const done = stored(first.parent, first.answer)
    const released = sync(done, first.seen, config)
    const changed = { ...stored(done, released), spec: { ...spec, params: { epochs: 2 } } }
    const started = sync(changed as Parent, made(released, { run: completed }), config)
    const again = sync(stored(changed as Parent, started), made(started), config)
    const children = made(again, { run: completed })
    const written = sync(stored(changed as Parent, again), children, config)
    expect(Object.keys(statusOf(written).stages ?? {})).toEqual(['run', 'written'])
    const back = { ...stored(changed as Parent, written), spec: done.spec } as Parent
    const reverted = sync(back, made(written), config)
    expect(readyOf(reverted)).toMatch(/^True Done/)
    const next = sync(stored(back, reverted), made(reverted), config)
    expect(claims(next)).toEqual(['falcon-model-workspace'])
  })

  test('the loader works there, too', () => {
    const load = sync(aDataset({ source: 'https://example.com/squad' }), [], config)
    expect(claims(load)).toEqual(['squad-dataset-workspace'])
    expect(theChild(load, 'Job').spec.template.spec.containers).toHaveLength(1)
  })

  test('what was written to a claim before is sealed there', () => {
    const first = sync(aModel(spec))
    const children = made(first, { run: completed })
    const answer = sync(stored(aModel(spec), first), children, config)
    expect(jobOf(answer.children, 'seal').spec.template.spec.volumes).toEqual([
      { name: 'artifacts', persistentVolumeClaim: { claimName: 'falcon-model-artifacts' } },
    ])
    const done = made(answer, { run: completed, seal: completed })
    const pod = aPod(jobOf(done, 'seal'), ended(0, report({ bytes: 1 })))
    const result = sync(stored(aModel(spec), answer), [...done, pod], config)
    expect(statusOf(result).artifacts?.url).toMatch(/^pvc:\/\/falcon-model-artifacts\/run\//)
    expect(claims(result)).toContain('falcon-model-artifacts')
  })
})

describe('a record of what was written', () => {
  const parent = aModel(spec)

  /** Somebody has changed the record. */
  const forged = (change: object) => {
    const { parent: before, answer } = ran(parent)
    const { written } = statusOf(answer).stages ?? {}
    const status = { ...statusOf(answer), stages: { written: { ...written, ...change } } }
    const others = made(answer, { run: completed }).filter(
      ({ metadata }) => !metadata.name.includes('-seal-'),
    )
    return sync({ ...before, status } as Parent, others)
  }

  test.each(['hostPath', 's3', 'gcs'])('mounts no %s that nobody has configured', (storage) => {
    const answer = forged({ storage })
    expect(readyOf(answer)).toMatch(
      /^False StorageUnknown: the result is where storage.driver \w+ has put it, in a storage/,
    )
    expect(statusOf(answer).artifacts).toBeUndefined()
    const jobs = childrenOf(answer, 'Job').map(({ metadata }) => metadata.name)
    expect(jobs.filter((name) => name.includes('-seal-'))).toEqual([])
  })

  test.each(['a..b', 'a.-b', 'a-.b', '.a', 'a.', 'A', 'a_b', 'a/b', '', 'a'.repeat(254)])(
    'names no node "%s", which the API server would refuse in a Pod',
    (node) => {
      const answer = forged({ node })
      expect(jobOf(answer.children, 'seal').spec.template.spec).not.toHaveProperty('affinity')
      expect(statusOf(answer).stages?.written).not.toHaveProperty('node')
    },
  )

  test.each(['ip-10-0-0-1.ec2.internal', '1', 'a--b.c'])('names the node "%s"', (node) => {
    const { affinity } = jobOf(forged({ node }).children, 'seal').spec.template.spec
    expect(JSON.stringify(affinity)).toContain(`"values":["${node}"]`)
  })

  test('of a former driver waits for the administrator, and nothing runs again', () => {
    const hostPath = { path: '/data', allowed: true }
    const first = sync(parent, [], aConfig({ storage: { driver: 'hostPath', hostPath } }))
    const children = made(first, { run: completed })
    const pod = aPod(jobOf(children, 'run'), ended(0))
    const answer = sync(stored(parent, first), [...children, pod])
    expect(readyOf(answer)).toMatch(/^False StorageUnknown/)
    expect(childrenOf(answer, 'Job').map(({ metadata }) => metadata.name)).toEqual([
      jobOf(children, 'run').metadata.name,
    ])
    const config = aConfig({ storage: { hostPath, former: ['hostpath:///data'] } })
    const seen = [...made(answer, { run: completed }), pod]
    const allowed = sync(stored(parent, answer), seen, config)
    expect(jobOf(allowed.children, 'seal').spec.template.spec.volumes[0].hostPath.path).toBe(
      '/data/default/model-falcon',
    )
  })
})

test('an earlier result that was never sealed is not kept: the Job would be made anew without it', () => {
  const { parent: before, answer } = ran(aModel(spec))
  const changed = { ...stored(before, answer), spec: { ...spec, params: { epochs: 2 } } }
  const started = sync(changed, made(answer, { run: completed }))
  const ended = sync(stored(changed, started), made(started, { run: completed }))
  const attempt = statusOf(ended).stages?.written?.attempt
  expect(attempt).not.toBe(statusOf(answer).stages?.written?.attempt)
  expect(jobOf(ended.children, 'seal').spec.template.spec.containers[0].args).toEqual([
    'seal',
    `--artifacts=/storage/run/${attempt}`,
    '--storage=/storage',
  ])
})

describe('a sealed adapter', () => {
  const base = complete(aModel({ source: 'hf://acme/base' }, { name: 'base' }), {
    url: 'pvc://base-model-artifacts/run/1',
    id: 'base-one',
  })
  /** The artifacts of a Model whose program and seal report these adapters. */
  function artifactsWith(own: unknown, theirs: unknown = own) {
    const parent = aModel({ ...spec, model: { name: 'base' } })
    const first = sync(parent, [base])
    const ran = made(first, { run: completed })
    const program = aPod(jobOf(ran, 'run'), ended(0, report({ bytes: 1, adapter: theirs })))
    const second = sync(stored(parent, first), [base, ...ran, program])
    const seen = made(second, { run: completed, seal: completed })
    const pod = aPod(jobOf(seen, 'seal'), ended(0, report({ bytes: 5, adapter: own })))
    return statusOf(sync(stored(stored(parent, first), second), [base, ...seen, pod])).artifacts
  }
  const lora = { format: 'peft', rank: 16, path: 'adapter' }

  test('is recorded with the result of the base that it was trained on', () => {
    expect(artifactsWith(lora)?.adapter).toEqual({ ...lora, base: 'base-one' })
  })

  test('is none if only the program says so', () => {
    expect(artifactsWith(undefined, lora)).toMatchObject({ bytes: 5 })
    expect(artifactsWith(undefined, lora)?.adapter).toBeUndefined()
  })

  test.each([
    { what: 'an unknown format', own: { ...lora, format: 'exe' } },
    { what: 'a rank that is none', own: { ...lora, rank: '16' } },
    { what: 'a rank below 1', own: { ...lora, rank: 0 } },
    { what: 'no object', own: 'peft' },
    { what: 'a list', own: [lora] },
  ])('is none with $what', ({ own }) => {
    expect(artifactsWith(own)).toMatchObject({ bytes: 5 })
    expect(artifactsWith(own)?.adapter).toBeUndefined()
  })

  test.each([
    { what: 'leads elsewhere', path: '../../model' },
    { what: 'is a flag', path: '--trust-remote-code' },
    { what: 'is a list', path: 'a,/content/model' },
    { what: 'has a space', path: 'a b' },
  ])('has no path that $what', ({ path }) => {
    expect(artifactsWith({ ...lora, path })?.adapter).toEqual({
      format: 'peft',
      rank: 16,
      base: 'base-one',
    })
  })

  test('names no base of its own choice', () => {
    expect(artifactsWith({ ...lora, base: 'forged' })?.adapter?.base).toBe('base-one')
  })
})
