import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test } from 'vitest'
import type { ConfigFile } from '../../crds/config.ts'
import { s3Key, s3Url } from '../../platform/node/addresses.ts'
import { apply, get, manifest, names, namespace, ok, until } from '../cluster/cluster.ts'
import { configured } from './configured.ts'
import { trainer } from './programs.ts'
import { base, imageOf, leave, secret, seenIn, untilSays } from './realnode.ts'

/** The same scenario for every storage driver that can run here. */

let undo: () => Promise<void>
afterEach(() => undo())

const below = (...names: readonly string[]) => join(inject('cluster').dir, 'node', ...names)

const image = `${base}/python:3`
/** Large enough to be noticed in the wrong place. */
const padding = 16 * 2 ** 20

const python = (script: string) => ({ image, command: ['python3', '-c', script] })

const s3 = { bucket: 'artifacts', prefix: 'deep', endpoint: s3Url, secretName: 'store' }

const inBucket = async (_: string, url: string) =>
  readdirSync(below('s3', url.replace('s3://', ''))).sort()

const drivers: readonly {
  readonly driver: string
  readonly storage: () => ConfigFile['storage']
  readonly scheme: string
  /** The names of the files that are stored there. */
  readonly kept: (ns: string, url: string) => Promise<readonly string[]>
}[] = [
  {
    driver: 'pvc',
    storage: () => ({ driver: 'pvc' }),
    scheme: 'pvc',
    kept: async (ns, url) => {
      const [, claimName, subPath] = /^pvc:\/\/([^/]+)\/(.*)$/.exec(url) ?? []
      const volume = { persistentVolumeClaim: { claimName, readOnly: true } }
      const names = await seenIn(ns, volume, 'ls -A /it', { subPath, readOnly: true })
      return names.split('\n').sort()
    },
  },
  {
    driver: 's3',
    storage: () => ({ driver: 's3', s3 }),
    scheme: 's3',
    kept: inBucket,
  },
  {
    driver: 's3 and a workspace',
    storage: () => ({ driver: 's3', s3: { ...s3, workspace: { className: 'local' } } }),
    scheme: 's3',
    kept: inBucket,
  },
  {
    driver: 'hostPath',
    storage: () => ({ driver: 'hostPath', hostPath: { path: below('hostpath'), allowed: true } }),
    scheme: 'hostpath',
    kept: async (_, url) => readdirSync(url.replace('hostpath://', '')).sort(),
  },
]

describe.each(drivers)('with storage.driver $driver', ({ storage, scheme, kept }) => {
  test('data is loaded, trained on, served, packaged and changed', async () => {
    undo = await configured((config) => ({ ...config, storage: storage() }))
    mkdirSync(below('s3', 'artifacts'), { recursive: true })
    const ns = await namespace('storage')
    const keys = { AWS_ACCESS_KEY_ID: s3Key.id, AWS_SECRET_ACCESS_KEY: s3Key.secret }
    await secret(ns, 'store', 'Opaque', keys)
    const load = (slope: number) =>
      manifest('Dataset', 'it', python(`open("/content/artifacts/slope", "w").write("${slope}")`))
    await apply(ns, load(3))
    const train = python(
      `import json, os; open("/content/artifacts/padding", "wb").write(os.urandom(${padding})); json.dump({"slope": int(open("/content/data/slope").read()), "intercept": 1}, open("/content/artifacts/weights.json", "w"))`,
    )
    const model = (more: object) =>
      manifest('Model', 'it', { dataset: { name: 'it' }, ...train, ...more })
    await apply(ns, model({ package: 'Never' }))
    await apply(
      ns,
      manifest('ModelServer', 'it', {
        model: { name: 'it' },
        ...python(trainer['serve.py'] ?? ''),
      }),
    )
    await untilSays(ns, 'dataset/it', `True Done: loaded into ${scheme}://`)
    await untilSays(ns, 'model/it', `True Done: served from storage: ${scheme}://`)
    await untilSays(ns, 'modelserver/it', 'True Serving')
    const { spec } = await get(ns, 'service/it-server')
    const ask = async () => {
      const answer = await fetch(`http://${spec.clusterIP}:8080/?x=2`)
      return ((await answer.json()) as { y: number }).y
    }
    expect(await until(ask, (y) => y === 7)).toBe(7)

    await apply(ns, model({ package: 'Always' }))
    await untilSays(ns, 'model/it', 'True Done: packaged as ')
    const packaged = await imageOf((await get(ns, 'model/it')).status.artifacts.image)
    expect(packaged.config.config.Labels['ai.substratus.created-by']).toBe('substratus package')
    const { job } = (await get(ns, 'model/it')).status.stages.package
    const log = await ok(['-n', ns, 'logs', `job/${job}`, '-c', 'package'])
    const [, written] = /^bytes written to disk while packaging: (\d+)$/m.exec(log) ?? []
    console.log(`packaging ${padding} bytes from ${scheme}:// wrote ${written} to disk`)
    expect(Number(written)).toBeLessThan(padding / 16)

    const { url } = (await get(ns, 'dataset/it')).status.artifacts
    const whole = ['.substratus.json', 'slope']
    expect(await kept(ns, url)).toEqual(whole)
    await apply(ns, load(4))
    await untilSays(ns, 'dataset/it', 'False')
    await untilSays(ns, 'dataset/it', `True Done: loaded into ${scheme}://`)
    expect(await kept(ns, (await get(ns, 'dataset/it')).status.artifacts.url)).toEqual(whole)
    // A result that was in use when the next attempt started is retained until the one after that.
    expect(await kept(ns, url)).toEqual(whole)
    // A workspace is deleted once its result is in the bucket.
    if (scheme === 's3')
      await until(
        () => names(ns, 'persistentvolumeclaims'),
        (claims) => claims.length === 0,
      )
    await leave(ns)
  })
})
