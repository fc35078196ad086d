import { describe, expect, test } from 'vitest'
import type { Artifacts } from '../../../crds/status.ts'
import type { SyncResponse } from '../../../hooks/observe/protocol.ts'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  aNotebook,
  aPod,
  applied,
  childrenOf,
  complete,
  completed,
  ended,
  failed,
  observed,
  readyOf,
  report,
  running,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/**
 * A Model in a model of a cluster, edited in the middle of its work: results that others read are never
 * deleted, and finished work is not repeated.
 */
function cluster(spec: object, config = aConfig()) {
  const base = { image: 'example.com/trainer:1', dataset: { name: 'squad' } }
  const squad = complete(aDataset({}), { url: 'pvc://squad-dataset-artifacts/load/1' })
  const made: string[] = []
  const ends = new Map<string, unknown>()
  let parent = aModel({ ...base, ...spec })
  let children: readonly Child[] = []

  const look = () => {
    const jobs = children.filter(({ kind }) => kind === 'Job')
    const pods = jobs
      .filter(({ metadata }) => ends.get(metadata.name) === completed)
      // Each result has a digest of its own, as real results have.
      .map((job) => aPod(job, ended(0, report({ digest: digestOf(job.metadata.name) }))))
    const answer = sync(parent, [squad, ...children, ...pods], config)
    for (const { kind, metadata } of answer.children)
      if (kind === 'Job' && !jobs.some((job) => job.metadata.name === metadata.name))
        made.push(stageIn(metadata.name))
    parent = stored(parent, answer)
    children = answer.children.map((child) =>
      observed(
        child,
        child.kind === 'Job' ? (ends.get(child.metadata.name) ?? running) : undefined,
      ),
    )
    return answer
  }
  /** Ends the running Jobs of a stage, and syncs until nothing changes. */
  const end = (stage: string, status: unknown = completed) => {
    look()
    for (const { kind, metadata } of children)
      if (kind === 'Job' && stageIn(metadata.name) === stage && !ends.has(metadata.name))
        ends.set(metadata.name, status)
    children = children.map((child) =>
      child.kind === 'Job' ? { ...child, status: ends.get(child.metadata.name) ?? running } : child,
    )
    look()
    return look()
  }
  return {
    made,
    look,
    end,
    edit: (more: object, annotations?: Readonly<Record<string, string>>) => {
      parent = {
        ...parent,
        spec: { ...base, ...more },
        metadata: { ...parent.metadata, ...(annotations && { annotations }) },
      }
      return look()
    },
    lose: (kind: string) => {
      children = children.filter((child) => child.kind !== kind)
      return look()
    },
    gain: (child: Child) => {
      children = [...children, child]
      return look()
    },
    child: (kind: string, part = '') =>
      children.find((child) => child.kind === kind && child.metadata.name.includes(part)),
  }
}

const stageIn = (job: string): string => /-(build|run|seal|package)-/.exec(job)?.[1] ?? ''
const digestOf = (name: string): string => `sha256:${name.slice(-8).padStart(64, '0')}`

const first = { params: { epochs: 1 } }
const second = { params: { epochs: 2 } }
const third = { params: { epochs: 3 } }

function whole(config = aConfig()) {
  const model = cluster(first, config)
  model.end('run')
  model.end('seal')
  const answer = model.end('package')
  expect(readyOf(answer)).toMatch(/^True Done/)
  return { model, result: statusOf(answer).artifacts }
}

describe('a change that is reverted', () => {
  test.each([
    { when: 'while the new run is under way', change: () => {} },
    {
      when: 'after the new run, before it is sealed',
      change: ({ end }: ReturnType<typeof cluster>) => end('run'),
    },
    {
      when: 'after the new run is sealed, before its package',
      change: ({ end }: ReturnType<typeof cluster>) => {
        end('run')
        end('seal')
      },
    },
    {
      when: 'after the new package failed',
      change: ({ end }: ReturnType<typeof cluster>) => {
        end('run')
        end('seal')
        end('package', failed())
      },
    },
  ])('$when: the old result is used again, and nothing runs', ({ change }) => {
    const { model, result } = whole()
    model.edit(second)
    change(model)
    const before = [...model.made]
    const back = model.edit(first)
    expect(readyOf(back)).toMatch(/^True Done/)
    expect(statusOf(back).artifacts).toEqual(result)
    expect(statusOf(back)).not.toHaveProperty('lastComplete')
    expect(model.made).toEqual(before)
  })
})

describe('a spec that returns to a former result', () => {
  /** Three results, one after the other. */
  function thrice(keepResults: number) {
    const { model, result } = whole(aConfig({ storage: { keepResults } }))
    const results = [second, third].map((spec) => {
      model.edit(spec)
      model.end('run')
      model.end('seal')
      return statusOf(model.end('package')).artifacts
    })
    return { model, results: [result, ...results] }
  }
  const attemptsIn = (answer: SyncResponse) =>
    (statusOf(answer).former ?? []).map(({ url }: { url: string }) => url.split('/').at(-1))
  const attempt = (result: Artifacts | undefined) => result?.url?.split('/').at(-1)

  test('finds it while it is stored, and nothing runs', () => {
    const { model, results } = thrice(3)
    const [a, b, c] = results.map(attempt)
    const before = [...model.made]
    expect(attemptsIn(model.look())).toEqual([b, a])
    for (const [spec, result, former] of [
      [first, results[0], [c, b]],
      [third, results[2], [a, b]],
      [second, results[1], [c, a]],
    ] as const) {
      const back = model.edit(spec)
      expect(readyOf(back)).toMatch(/^True Done: packaged as /)
      expect(statusOf(back).artifacts).toEqual(result)
      expect(attemptsIn(back)).toEqual(former)
    }
    expect(model.made).toEqual(before)
  })

  test.each([
    { keepResults: 1, stored: 0 },
    { keepResults: 2, stored: 1 },
  ])('runs again when it is gone: keepResults $keepResults', ({ keepResults, stored }) => {
    const { model } = thrice(keepResults)
    expect(attemptsIn(model.look())).toHaveLength(stored)
    expect(readyOf(model.edit(first))).toMatch(/^False Pending: starting Job/)
  })

  test('does not use it if a rerun is requested', () => {
    const { model } = thrice(3)
    const again = model.edit(first, { 'substratus.ai/rerun': 'now' })
    expect(readyOf(again)).toMatch(/^False Pending: starting Job/)
  })

  test('keeps the folders of all of them until the next success', () => {
    const { model, results } = thrice(3)
    model.edit({ params: { epochs: 4 } })
    const seal = model.end('run')
    const jobs = childrenOf(seal, 'Job').filter(({ metadata }) => stageIn(metadata.name) === 'seal')
    const args = JSON.stringify(jobs.at(-1)?.spec)
    for (const result of results) expect(args).toContain(`--keep=run/${attempt(result)}`)
    model.end('seal')
    expect(attemptsIn(model.end('package'))).toEqual([results[2], results[1]].map(attempt))
  })
})

test('a later run keeps the artifacts in use, and those that are used next', () => {
  const { model, result } = whole()
  model.edit(second)
  model.end('run')
  model.end('seal')
  model.edit(third)
  const next = model.end('run')
  expect(statusOf(next).artifacts).toEqual(result)
  const seals = childrenOf(next, 'Job').filter(({ metadata }) => stageIn(metadata.name) === 'seal')
  const args: readonly string[] = seals.at(-1)?.spec.template.spec.containers[0].args ?? []
  const retained = args.flatMap((arg) => /^--keep=(.*)/.exec(arg)?.[1] ?? [])
  const paths = [result?.url, statusOf(next).stages?.run?.attempt].map((url) =>
    expect.stringContaining(url?.split('/').at(-1) ?? ''),
  )
  expect(retained).toEqual(paths)
})

describe('what does not end running work', () => {
  test.each([
    { when: 'the disk grows', more: { resources: { memory: 20, disk: 200 } } },
    { when: 'a quantity is written differently', more: { resources: { memory: '20Gi' } } },
  ])('$when', ({ more }) => {
    const model = cluster({ ...first, resources: { memory: 20 } })
    model.look()
    model.edit({ ...first, ...more })
    expect(model.made).toEqual(['run'])
  })

  test('the annotation of its rerun is removed', () => {
    const model = cluster(first)
    model.edit(first, { 'substratus.ai/rerun': 'once' })
    const before = [...model.made]
    model.edit(first, {})
    expect(model.made).toEqual(before)
    model.end('run')
    model.end('seal')
    expect(model.made).toEqual([...before, 'seal', 'package'])
  })
})

describe('the deadline of a stage', () => {
  const short = { ...first, runPolicy: { activeDeadlineSeconds: 60, backoffLimit: 0 } }
  const long = { ...first, runPolicy: { activeDeadlineSeconds: 600, backoffLimit: 3 } }
  const deadline = failed('DeadlineExceeded', 'too long')

  test('changes a running Job, and so do its retries', () => {
    const model = cluster(short)
    model.look()
    model.edit(long)
    expect(model.child('Job')?.spec).toMatchObject({ activeDeadlineSeconds: 600, backoffLimit: 3 })
    model.edit(first)
    expect(model.child('Job')?.spec).not.toHaveProperty('activeDeadlineSeconds')
  })

  test('starts the work again if it is extended after it was exceeded', () => {
    const model = cluster(short)
    expect(readyOf(model.end('run', deadline))).toMatch(/^False DeadlineExceeded/)
    expect(readyOf(model.edit(long))).toMatch(/^False Pending: removing Job "falcon-model-run-/)
    expect(model.child('Job')).toBeUndefined()
    expect(readyOf(model.look())).toMatch(/^False Pending: starting Job /)
    expect(model.made).toEqual(['run', 'run'])
  })

  test('starts nothing if it is unchanged', () => {
    const model = cluster(short)
    model.end('run', deadline)
    expect(readyOf(model.edit(short))).toMatch(/^False DeadlineExceeded/)
    expect(model.made).toEqual(['run'])
  })
})

test('suspend stops a Job whose spec has become invalid', () => {
  const model = cluster(first)
  model.look()
  const answer = model.edit({ ...first, suspend: true, resources: { gpu: { type: 'gone' } } })
  expect(readyOf(answer)).toMatch(/^False InvalidSpec/)
  expect(theChild(answer, 'Job').spec.suspend).toBe(true)
})

describe('a claim that does not exist', () => {
  test('is created, and then reported as missing: another object may own its name', () => {
    const parent = aNotebook({})
    const created = sync(parent)
    const others = applied(created).filter(({ kind }) => kind !== 'PersistentVolumeClaim')
    const again = sync(stored(parent, created), others)
    const name = 'PersistentVolumeClaim "explore-notebook-home"'
    expect(readyOf(again)).toBe(`False Pending: creating ${name}`)
    const third = sync(stored(parent, again), others)
    expect(readyOf(third)).toBe(
      `False ChildMissing: ${name} is wanted and does not exist: does another object own the name?`,
    )
    expect(third.resyncAfterSeconds).toBe(5)
  })

  test('is looked for again, even if the object only waits: the name may have been taken', () => {
    const answer = sync(aModel({ image: 'example.com/train:1', dataset: { name: 'squad' } }))
    expect(readyOf(answer)).toMatch(/^False ReferenceMissing/)
    expect(answer.resyncAfterSeconds).toBe(5)
  })

  test('is not created again if it contained a result: an empty one would pass for it', () => {
    const { model } = whole()
    const answer = model.lose('PersistentVolumeClaim')
    expect(readyOf(answer)).toMatch(
      /^False ChildMissing: PersistentVolumeClaim "falcon-model-artifacts" is gone, and the result with it/,
    )
    expect(childrenOf(answer, 'PersistentVolumeClaim')).toEqual([])
    const anew = model.edit(first, { 'substratus.ai/rerun': 'once' })
    expect(childrenOf(anew, 'PersistentVolumeClaim')).toHaveLength(1)
  })

  describe('when another spec has made a new one', () => {
    const lost =
      /^False ChildMissing: the result was in a PersistentVolumeClaim "falcon-model-artifacts" that was deleted/

    test('does not pass for the one with the result, until a rerun', () => {
      const { model } = whole()
      model.lose('PersistentVolumeClaim')
      expect(childrenOf(model.edit(second), 'PersistentVolumeClaim')).toHaveLength(1)
      model.look()
      const back = model.edit(first)
      expect(readyOf(back)).toMatch(lost)
      expect(childrenOf(back, 'PersistentVolumeClaim')).toHaveLength(1)
      const before = model.made.length
      model.edit(first, { 'substratus.ai/rerun': 'once' })
      expect(model.made.slice(before)).toEqual(['run'])
      model.end('run')
      model.end('seal')
      expect(readyOf(model.end('package'))).toMatch(/^True Done/)
    })

    test('a result that is recorded no longer is made again, and believed', () => {
      const { model } = whole()
      model.lose('PersistentVolumeClaim')
      for (const spec of [second, first]) {
        model.edit(spec)
        model.end('run')
        model.end('seal')
        expect(readyOf(model.end('package'))).toMatch(/^True Done/)
      }
    })
  })

  test('passes for the result if somebody has restored it', () => {
    const { model } = whole()
    const claim = model.child('PersistentVolumeClaim') as Child
    model.lose('PersistentVolumeClaim')
    const restored = { ...claim, metadata: { ...claim.metadata, uid: 'restored' } }
    expect(readyOf(model.gain(restored))).toMatch(/^True Done/)
    model.edit(second)
    expect(readyOf(model.edit(first))).toMatch(/^True Done/)
  })
})

describe('when storage.driver has changed since', () => {
  const bucket = aConfig({ storage: { driver: 's3', s3: { bucket: 'b' } } })
  const parent = aDataset({ source: 'https://example.com/squad' })
  const first = sync(parent)
  const load = aJob(first, completed)
  const claim = observed(theChild(first, 'PersistentVolumeClaim'))
  const loaded = sync(stored(parent, first), [load, aPod(load, ended(0, report())), claim], bucket)

  test('a load is recorded where its Job stored it', () => {
    expect(statusOf(loaded).stages?.load?.storage).toBe('pvc')
    expect(statusOf(loaded).artifacts?.url).toMatch(/^pvc:\/\/squad-dataset-artifacts\/load\//)
  })

  test('a load into the former bucket needs that bucket, too', () => {
    const begun = sync(parent, [], bucket)
    const job = aJob(begun, completed)
    const done = sync(stored(parent, begun), [job, aPod(job, ended(0, report()))])
    const after = sync(stored(parent, done), [job])
    expect(statusOf(done).stages?.load?.storage).toBe('s3')
    expect(readyOf(after)).toMatch(/^False StorageUnknown: the result is .*s3/)
  })

  test('the claim of the result is retained, and reported if it is gone', () => {
    const now = stored(parent, loaded)
    const kept = sync(now, [load, claim], bucket)
    expect(readyOf(kept)).toMatch(/^True Done/)
    expect(theChild(kept, 'PersistentVolumeClaim').metadata.name).toBe('squad-dataset-artifacts')
    expect(readyOf(sync(now, [load], bucket))).toMatch(
      /^False ChildMissing: PersistentVolumeClaim "squad-dataset-artifacts" is gone/,
    )
  })
})

test('a Dataset that switches to a claim of the user is another result', () => {
  const parent = aDataset({ source: 'https://example.com/squad.tar' })
  const created = sync(parent)
  const seen = applied(created, completed)
  const job = seen.find(({ kind }) => kind === 'Job') as Child
  const loaded = sync(stored(parent, created), [...seen, aPod(job, ended(0, report({ bytes: 5 })))])
  const changed = { ...stored(parent, loaded), spec: { source: 'pvc://mine/data' } }
  expect(statusOf(sync(changed, seen)).artifacts).toEqual({
    url: 'pvc://mine/data',
    id: 'pvc://mine/data',
  })
})

describe('what others may have forged or changed', () => {
  test('a Pod of another namespace is ignored, whatever its labels', () => {
    const parent = aModel({ image: 'example.com/trainer:1', params: { epochs: 1 } })
    const created = sync(parent)
    const seen = applied(created, running)
    const job = seen.find(({ kind }) => kind === 'Job') as Child
    const foreign = aPod(job, ended(1, 'nonsense'), { namespace: 'elsewhere' })
    expect(readyOf(sync(stored(parent, created), [...seen, foreign]))).toMatch(/no Pod yet/)
  })

  test.each<{ what: string; annotation: Record<string, string>; storage: string }>([
    { what: 'a claim with another form of quantity', annotation: {}, storage: '1e12' },
    {
      what: 'annotations',
      annotation: {
        'substratus.ai/upstream': '{',
        'metacontroller.k8s.io/last-applied-configuration': 'x',
      },
      storage: '100Gi',
    },
  ])('$what', ({ annotation, storage }) => {
    const parent = aModel({ image: 'example.com/trainer:1', params: { epochs: 1 } })
    const created = sync(parent)
    const spoiled = applied(created, completed).map((child) => ({
      ...child,
      metadata: {
        ...child.metadata,
        annotations: { ...child.metadata.annotations, ...annotation },
      },
      ...(child.kind === 'PersistentVolumeClaim' && {
        spec: { ...child.spec, resources: { requests: { storage } } },
      }),
    }))
    expect(readyOf(sync(stored(parent, created), spoiled))).toMatch(/^False /)
  })
})

test('an empty command counts as absent: the image is the model', () => {
  const answer = sync(aModel({ image: 'example.com/m:1', command: [], args: [] }))
  expect(readyOf(answer)).toBe('True Done: the image is the model: example.com/m:1')
})

describe('when podFields no longer lists a field of spec.pod', () => {
  const narrowed = aConfig({ podFields: ['labels'] })
  const refused = /^False InvalidSpec: spec\.pod\.nodeSelector: Forbidden: the administrator/
  const pod = { nodeSelector: { pool: 'a' } }
  const source = 'https://example.com/squad.tar'
  const parent = aDataset({ source, pod })
  const created = sync(parent)
  const isLoaded = () => {
    const seen = applied(created, completed)
    const job = seen.find(({ kind }) => kind === 'Job') as Child
    return [...seen, aPod(job, ended(0, report({ bytes: 5 })))]
  }

  test('a finished Dataset stays Ready, and its children stay', () => {
    const loaded = sync(stored(parent, created), isLoaded())
    const after = sync(stored(parent, loaded), isLoaded(), narrowed)
    expect(readyOf(after)).toBe(readyOf(loaded))
    expect(readyOf(after)).toMatch(/^True Done/)
    expect(after.status).toEqual(loaded.status)
    expect(after.children).toEqual(loaded.children)
  })

  test('a load that ends afterwards is recorded', () => {
    expect(readyOf(sync(stored(parent, created), isLoaded(), narrowed))).toMatch(/^True Done/)
  })

  test('one that has not ended is left alone, and Ready names the field', () => {
    const seen = applied(created, running)
    const after = sync(stored(parent, created), seen, narrowed)
    expect(readyOf(after)).toMatch(refused)
    expect(theChild(after, 'Job').spec.template).toEqual(theChild(created, 'Job').spec.template)
  })

  test('nothing more is made, and Ready names the field', () => {
    expect(sync(parent, [], narrowed).children).toEqual([])
    const loaded = sync(stored(parent, created), isLoaded())
    const other = { ...stored(parent, loaded), spec: { source: `${source}.gz`, pod } }
    const after = sync(other, isLoaded(), narrowed)
    expect(readyOf(after)).toMatch(refused)
    expect(childrenOf(after, 'Job')).toHaveLength(1)
  })

  test('a running server is left alone, and Ready names the field', () => {
    const notebook = aNotebook({ pod })
    const before = sync(notebook)
    const after = sync(stored(notebook, before), applied(before), narrowed)
    expect(readyOf(after)).toMatch(refused)
    expect(theChild(after, 'StatefulSet').spec).toEqual(theChild(before, 'StatefulSet').spec)
  })
})
