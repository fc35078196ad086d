import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { ConfigFile } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aDataset,
  aJob,
  aModel,
  aNotebook,
  aPod,
  complete,
  completed,
  ended,
  namesOf,
  observed,
  readyOf,
  report,
  statusOf,
  stored,
  sync,
  theChild,
} from '../../objects.ts'

/** What each storage driver adds to Pods, and the claims it creates. */

const storages: Readonly<Record<string, NonNullable<ConfigFile['storage']>>> = {
  pvc: { driver: 'pvc' },
  s3: {
    driver: 's3',
    s3: { bucket: 'b', prefix: 'p', endpoint: 'http://store', region: 'eu', secretName: 'store' },
  },
  gcs: { driver: 'gcs', gcs: { bucket: 'b', prefix: 'p' } },
  hostPath: { driver: 'hostPath', hostPath: { path: '/data', allowed: true } },
}

const urls: Readonly<Record<string, string>> = {
  pvc: 'pvc://squad-dataset-artifacts/load/1',
  s3: 's3://b/p/default/dataset-squad/load/1',
  gcs: 'gs://b/p/default/dataset-squad/load/1',
  hostPath: 'hostpath:///data/default/dataset-squad/load/1',
}

const podOf = (children: readonly Child[]) =>
  children.find(({ kind }) => kind === 'Job')?.spec.template

describe.each(Object.keys(storages))('with storage.driver %s', (driver) => {
  const config = aConfig({ registry: { prefix: 'registry.test' }, storage: storages[driver] })
  const loads = sync(aDataset({ image: 'i' }), [], config)
  const squad = complete(aDataset({ image: 'i' }), { url: urls[driver] ?? '' })
  const trains = sync(aModel({ image: 'i', dataset: { name: 'squad' } }), [squad], config)

  test('the Pods of a load and of a training', async () => {
    const shown = stringify(
      [loads, trains].map(({ children }) => ({
        claims: children
          .filter(({ kind }) => kind === 'PersistentVolumeClaim')
          .map(({ metadata }) => metadata.name),
        annotations: podOf(children)?.metadata.annotations,
        initContainers: podOf(children)?.spec.initContainers,
        containers: podOf(children)?.spec.containers,
        volumes: podOf(children)?.spec.volumes,
      })),
      { aliasDuplicateObjects: false },
    )
    await expect(shown).toMatchFileSnapshot(`storage/${driver}.yaml`)
  })
})

test.each([
  [{ driver: 's3' }, 'storage.s3.bucket: Required value: storage.driver is s3'],
  [{ driver: 'gcs' }, 'storage.gcs.bucket: Required value: storage.driver is gcs'],
  [
    { driver: 'hostPath' },
    'storage.hostPath.allowed: Required value: hostPath is for development, on one node: set it to true where that is meant',
  ],
] as const)('$driver alone is refused', (storage, says) => {
  expect(() => aConfig({ storage })).toThrow(says.split(': ')[1])
})

describe('claims of artifacts and of homes', () => {
  const claimOf = (parent: Parent, pvc: ConfigPvc) => {
    const { spec } = theChild(sync(parent, [], aConfig({ storage: { pvc } })), claimKind)
    return `${spec.storageClassName ?? 'default'} ${spec.accessModes}`
  }
  type ConfigPvc = NonNullable<NonNullable<ConfigFile['storage']>['pvc']>
  const claimKind = 'PersistentVolumeClaim'
  const shared = { className: 'files', accessModes: ['ReadWriteMany'] } as const
  test.each<{ when: string; pvc: ConfigPvc; artifacts: string; home: string }>([
    { when: 'nothing', pvc: {}, artifacts: 'default ReadWriteOnce', home: 'default ReadWriteOnce' },
    {
      when: 'both',
      pvc: { className: 'disk' },
      artifacts: 'disk ReadWriteOnce',
      home: 'disk ReadWriteOnce',
    },
    {
      when: 'artifacts',
      pvc: { className: 'disk', artifacts: shared },
      artifacts: 'files ReadWriteMany',
      home: 'disk ReadWriteOnce',
    },
    {
      when: 'the class of homes',
      pvc: { ...shared, homes: { className: 'disk' } },
      artifacts: 'files ReadWriteMany',
      home: 'disk ReadWriteMany',
    },
  ])('have what is set for $when', ({ pvc, artifacts, home }) => {
    expect(claimOf(aDataset({ image: 'i' }), pvc)).toBe(artifacts)
    expect(claimOf(aModel({ source: 'hf://a/b' }), pvc)).toBe(artifacts)
    expect(claimOf(aNotebook({}), pvc)).toBe(home)
  })
})

test('a changed driver moves no result, and deletes no claim', () => {
  const parent = aDataset({ source: 'https://example.com/squad' })
  const first = sync(parent)
  const job = aJob(first, completed)
  const claim = observed(theChild(first, 'PersistentVolumeClaim'))
  const loaded = sync(parent, [claim, job, aPod(job, ended(0, report({ bytes: 1 })))])
  const { url } = statusOf(loaded).artifacts ?? {}
  expect(url).toMatch(/^pvc:\/\/squad-dataset-artifacts\/load\//)

  const s3 = aConfig({ storage: storages.s3 })
  const later = sync(stored(parent, loaded), [claim], s3)
  expect(statusOf(later).artifacts?.url).toBe(url)
  expect(namesOf(later)).toContain('PersistentVolumeClaim squad-dataset-artifacts')
})

test('a result in a bucket needs no claim, although the driver is now pvc', () => {
  const s3 = aConfig({ storage: storages.s3 })
  const parent = aDataset({ image: 'i' })
  const job = aJob(sync(parent, [], s3), completed)
  const loaded = sync(parent, [job, aPod(job, ended(0, report({ bytes: 1 })))], s3)
  const claims = aConfig({ storage: { former: ['s3://b/p'] } })
  const later = sync(stored(parent, loaded), [], claims)
  expect(readyOf(later)).toMatch(/^True Done: loaded into s3:\/\//)
  expect(namesOf(later)).toEqual([])
})

test('a result in a storage that is not configured is reported, and not loaded again', () => {
  const s3 = aConfig({ storage: storages.s3 })
  const parent = aDataset({ image: 'i' })
  const job = aJob(sync(parent, [], s3), completed)
  const loaded = sync(parent, [job, aPod(job, ended(0, report({ bytes: 1 })))], s3)
  const later = sync(stored(parent, loaded))
  expect(readyOf(later)).toMatch(/^False StorageUnknown: the result is at s3:\/\/b\/p\/.*former/)
  expect(statusOf(later).artifacts).toEqual(statusOf(loaded).artifacts)
  expect(statusOf(later).stages).toEqual(statusOf(loaded).stages)
  expect(namesOf(later)).toEqual([])
})
