import { describe, expect, test } from 'vitest'
import type { Child } from '../../objects.ts'
import {
  aDataset,
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
 * A Model in a cluster in small, edited in the middle of its work: what others read is never taken
 * away, and what is finished is not done again.
 */
function cluster(spec: object) {
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
      // Each work has a digest of its own, as real results have.
      .map((job) => aPod(job, ended(0, report({ digest: digestOf(job.metadata.name) }))))
    const answer = sync(parent, [squad, ...children, ...pods])
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
  /** Ends the Jobs of a stage that still run, and looks until nothing new comes of it. */
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
    child: (kind: string, part = '') =>
      children.find((child) => child.kind === kind && child.metadata.name.includes(part)),
  }
}

const stageIn = (job: string): string => /-(build|run|package)-/.exec(job)?.[1] ?? ''
const digestOf = (name: string): string => `sha256:${name.slice(-8).padStart(64, '0')}`

const first = { params: { epochs: 1 } }
const second = { params: { epochs: 2 } }
const third = { params: { epochs: 3 } }

function whole() {
  const model = cluster(first)
  model.end('run')
  const answer = model.end('package')
  expect(readyOf(answer)).toMatch(/^True Done/)
  return { model, result: statusOf(answer).artifacts }
}

describe('a change that is taken back', () => {
  test.each([
    { when: 'while the new run is under way', change: () => {} },
    {
      when: 'after the new run, before its package',
      change: ({ end }: ReturnType<typeof cluster>) => end('run'),
    },
    {
      when: 'after the new package failed',
      change: ({ end }: ReturnType<typeof cluster>) => {
        end('run')
        end('package', failed())
      },
    },
  ])('$when: the old result is found again, and nothing runs', ({ change }) => {
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

test('a later run keeps the artifacts that others still read, and those that come next', () => {
  const { model, result } = whole()
  model.edit(second)
  model.end('run')
  const next = model.edit(third)
  expect(statusOf(next).artifacts).toEqual(result)
  const runs = childrenOf(next, 'Job').filter(({ metadata }) => stageIn(metadata.name) === 'run')
  const args: readonly string[] = runs.at(-1)?.spec.template.spec.containers[0].args ?? []
  const kept = args.flatMap((arg) => /^--keep=(.*)/.exec(arg)?.[1] ?? [])
  const paths = [result?.url, statusOf(next).stages?.run?.attempt].map((url) =>
    expect.stringContaining(url?.split('/').at(-1) ?? ''),
  )
  expect(kept).toEqual(paths)
})

describe('what ends no work that is under way', () => {
  test.each([
    { when: 'the disk grows', more: { resources: { memory: 20, disk: 200 } } },
    { when: 'a quantity is spelled in another way', more: { resources: { memory: '20Gi' } } },
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
    expect(model.made).toEqual([...before, 'package'])
  })
})

describe('the time that a work may take', () => {
  const short = { ...first, runPolicy: { activeDeadlineSeconds: 60, backoffLimit: 0 } }
  const long = { ...first, runPolicy: { activeDeadlineSeconds: 600, backoffLimit: 3 } }
  const deadline = failed('DeadlineExceeded', 'too long')

  test('reaches a Job that runs, and so do its retries', () => {
    const model = cluster(short)
    model.look()
    model.edit(long)
    expect(model.child('Job')?.spec).toMatchObject({ activeDeadlineSeconds: 600, backoffLimit: 3 })
    model.edit(first)
    expect(model.child('Job')?.spec).not.toHaveProperty('activeDeadlineSeconds')
  })

  test('prolonged after it was over, begins the work again', () => {
    const model = cluster(short)
    expect(readyOf(model.end('run', deadline))).toMatch(/^False DeadlineExceeded/)
    expect(readyOf(model.edit(long))).toMatch(/^False Pending: removing Job "falcon-model-run-/)
    expect(model.child('Job')).toBeUndefined()
    expect(readyOf(model.look())).toMatch(/^False Pending: creating Job /)
    expect(model.made).toEqual(['run', 'run'])
  })

  test('unchanged, does not', () => {
    const model = cluster(short)
    model.end('run', deadline)
    expect(readyOf(model.edit(short))).toMatch(/^False DeadlineExceeded/)
    expect(model.made).toEqual(['run'])
  })
})

test('suspend reaches a Job whose spec has become invalid', () => {
  const model = cluster(first)
  model.look()
  const answer = model.edit({ ...first, suspend: true, resources: { gpu: { type: 'gone' } } })
  expect(readyOf(answer)).toMatch(/^False InvalidSpec/)
  expect(theChild(answer, 'Job').spec.suspend).toBe(true)
})

describe('a claim that is not there', () => {
  test('is awaited, and then asked for by name: somebody else may own it', () => {
    const parent = aNotebook({})
    const asked = sync(parent)
    const others = applied(asked).filter(({ kind }) => kind !== 'PersistentVolumeClaim')
    const again = sync(stored(parent, asked), others)
    const name = 'PersistentVolumeClaim "explore-notebook-home"'
    expect(readyOf(again)).toBe(`False Pending: creating ${name}`)
    const third = sync(stored(parent, again), others)
    expect(readyOf(third)).toBe(
      `False ChildMissing: ${name} is wanted and does not exist: does another object own the name?`,
    )
    expect(third.resyncAfterSeconds).toBe(5)
  })

  test('but held a result is not made anew: an empty one would be taken for it', () => {
    const { model } = whole()
    const answer = model.lose('PersistentVolumeClaim')
    expect(readyOf(answer)).toMatch(
      /^False ChildMissing: PersistentVolumeClaim "falcon-model-artifacts" is gone, and the result with it/,
    )
    expect(childrenOf(answer, 'PersistentVolumeClaim')).toEqual([])
    const anew = model.edit(first, { 'substratus.ai/rerun': 'once' })
    expect(childrenOf(anew, 'PersistentVolumeClaim')).toHaveLength(1)
  })
})

test('a Dataset that becomes a claim of the user’s own is another result', () => {
  const parent = aDataset({ source: 'https://example.com/squad.tar' })
  const asked = sync(parent)
  const seen = applied(asked, completed)
  const job = seen.find(({ kind }) => kind === 'Job') as Child
  const loaded = sync(stored(parent, asked), [...seen, aPod(job, ended(0, report({ bytes: 5 })))])
  const changed = { ...stored(parent, loaded), spec: { source: 'pvc://mine/data' } }
  expect(statusOf(sync(changed, seen)).artifacts).toEqual({
    url: 'pvc://mine/data',
    id: 'pvc://mine/data',
  })
})

describe('what others may have spoiled', () => {
  test('a Pod of another namespace is not believed, whatever its labels', () => {
    const parent = aModel({ image: 'example.com/trainer:1', params: { epochs: 1 } })
    const asked = sync(parent)
    const seen = applied(asked, running)
    const job = seen.find(({ kind }) => kind === 'Job') as Child
    const foreign = aPod(job, ended(1, 'nonsense'), { namespace: 'elsewhere' })
    expect(readyOf(sync(stored(parent, asked), [...seen, foreign]))).toMatch(/no Pod yet/)
  })

  test.each<{ what: string; annotation: Record<string, string>; storage: string }>([
    { what: 'a claim in another form of quantity', annotation: {}, storage: '1e12' },
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
    const asked = sync(parent)
    const spoiled = applied(asked, completed).map((child) => ({
      ...child,
      metadata: {
        ...child.metadata,
        annotations: { ...child.metadata.annotations, ...annotation },
      },
      ...(child.kind === 'PersistentVolumeClaim' && {
        spec: { ...child.spec, resources: { requests: { storage } } },
      }),
    }))
    expect(readyOf(sync(stored(parent, asked), spoiled))).toMatch(/^False /)
  })
})

test('an empty command is none: the image is the model', () => {
  const answer = sync(aModel({ image: 'example.com/m:1', command: [], args: [] }))
  expect(readyOf(answer)).toBe('True Done: the image is the model: example.com/m:1')
})
