import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { findNodeBinaries } from '../../platform/binaries/find.ts'
import {
  nodeAddress,
  nodeName,
  portOf,
  registryHost,
  s3Key,
  s3Url,
} from '../../platform/node/addresses.ts'
import { freePorts } from '../../platform/ports.ts'
import { launch } from '../../platform/processes.ts'
import { apply, get, manifest, namespace, ok, until } from '../cluster/cluster.ts'
import { configured } from './configured.ts'
import { base, pullsFrom, secret, serverFor, untilSays } from './realnode.ts'

/**
 * Work that is interrupted by a full disk or a lost connection: it is reported, no partial result looks
 * complete, and the next attempt succeeds once the cause is gone.
 */

const below = (...names: readonly string[]) => join(inject('cluster').dir, 'node', ...names)
const full = 'the disk is full: ask for more in spec.resources.disk'
const MiB = 2 ** 20

const mounts: string[] = []
afterAll(() => {
  for (const path of mounts) execFileSync('umount', ['--lazy', path])
})
/** A folder with too little space, until `giveRoom` adds some. */
function tightFolder(name: string, mebibytes: number) {
  const path = below('volumes', name)
  mkdirSync(path, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tight', path])
  mounts.push(path)
  return path
}
const giveRoom = (path: string) => execFileSync('mount', ['-o', 'remount,size=64m', path])

const tightClass = 'tight'
const tightVolume = (name: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    capacity: { storage: '1Ti' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: tightClass,
    local: { path: tightFolder(name, 8) },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          {
            matchExpressions: [
              { key: 'kubernetes.io/hostname', operator: 'In', values: [nodeName] },
            ],
          },
        ],
      },
    },
  },
})

/** The folder of the volume of a claim. */
async function folderOfClaim(ns: string, claim: string): Promise<string> {
  const { spec } = await get(ns, `pvc/${claim}`)
  return below('volumes', spec.volumeName)
}

/** The files in the folders of all attempts of a stage. */
const filesOf = (folder: string, stage: string): readonly string[] =>
  readdirSync(join(folder, stage))
    .flatMap((attempt) => readdirSync(join(folder, stage, attempt)))
    .sort()

const jobOf = async (ns: string, stage: string): Promise<string> => {
  const { items } = await get(ns, 'jobs')
  return items.find(
    ({ metadata }: { metadata: { labels: Record<string, string> } }) =>
      metadata.labels['substratus.ai/stage'] === stage,
  ).metadata.name
}
/** Starts the next attempt in the same folder, as in docs/troubleshooting.md. */
const again = async (ns: string, stage: string) =>
  ok(['-n', ns, 'delete', 'job', await jobOf(ns, stage)])

const once = { runPolicy: { backoffLimit: 0 } }

describe('a full disk', () => {
  let undo: () => Promise<void>
  let small: { readonly host: string; readonly path: string }

  beforeAll(async () => {
    const volumeClass = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: tightClass },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    }
    const volumes = ['tight-0', 'tight-1', 'tight-2', 'tight-3'].map(tightVolume)
    await ok(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [volumeClass, ...volumes] }),
    )
    small = await smallRegistry()
    undo = await configured((config) => ({
      ...config,
      registry: { prefix: `${small.host}/small`, insecure: true },
      storage: { driver: 'pvc', pvc: { className: tightClass } },
    }))
  })
  afterAll(() => undo())

  /** A separate registry with the one image that is needed, and no space for another. */
  async function smallRegistry() {
    const { dir } = inject('cluster')
    const { crane } = await findNodeBinaries({ progress: () => {} })
    const [port] = await freePorts(1, nodeAddress)
    const host = `${nodeAddress}:${port}`
    const path = tightFolder('small-registry', 6)
    launch({
      dir,
      name: 'small-registry',
      file: crane,
      args: ['registry', 'serve', '--address', host, '--disk', path],
    })
    await until(
      async () => (await fetch(`http://${host}/v2/`)).status,
      (status) => status === 200,
      20,
    )
    const images = [registryHost, host].map((at) => `${at}/base/busybox:1`)
    execFileSync(crane, ['copy', '--insecure', ...images], { stdio: 'ignore' })
    pullsFrom(host)
    return { host, path }
  }
  const runs = (script: string) => ({
    image: `${small.host}/base/busybox:1`,
    command: ['/bin/sh', '-c', script],
  })

  describe.concurrent('is reported during', () => {
    test('a load, which is resumed from the partial file', async () => {
      const ns = await namespace('full')
      const weights = Buffer.alloc(24 * MiB, 'x')
      const begins: number[] = []
      const seen = Promise.withResolvers<void>()
      const files = await serverFor((request, response) => {
        const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
        begins.push(from)
        response.writeHead(from ? 206 : 200, {
          etag: '"one"',
          'content-length': weights.length - from,
          ...(from && { 'content-range': `bytes ${from}-${weights.length - 1}/${weights.length}` }),
        })
        if (!from) return response.end(weights)
        // The rest waits until some of it has been reported.
        response.write(weights.subarray(from, -MiB))
        return void seen.promise.then(() => response.end(weights.subarray(-MiB)))
      })
      try {
        await apply(ns, manifest('Dataset', 'it', { source: `${files.url}/w.bin`, ...once }))
        await untilSays(ns, 'dataset/it', `False Failed: container "load" exited with 1: ${full}`)
        expect((await get(ns, 'dataset/it')).status.artifacts).toBeUndefined()
        const folder = await folderOfClaim(ns, 'it-dataset-artifacts')
        expect(filesOf(folder, 'load')).toEqual(['w.bin.part', 'w.bin.part.etag'])

        giveRoom(folder)
        await again(ns, 'load')
        const progress = await until(
          async () => (await get(ns, 'dataset/it')).status.progress,
          (one) => one?.stage === 'load' && one.step > (begins[1] ?? weights.length),
          60,
        )
        seen.resolve()
        expect(progress.of).toBe(weights.length)
        await untilSays(ns, 'dataset/it', 'True Done')
        expect((await get(ns, 'dataset/it')).status.artifacts.bytes).toBe(weights.length)
        expect(filesOf(folder, 'load')).toEqual(['.substratus.json', 'w.bin'])
        expect(begins).toEqual([0, expect.any(Number)])
        expect(begins[1]).toBeGreaterThan(MiB)
      } finally {
        files.stop()
      }
    })

    test.each([
      {
        when: 'a training that notices the full disk',
        script: `head -c ${12 * MiB} /dev/zero | cat >/content/artifacts/w`,
        says: 'container "run" exited with 1: cat: write error: No space left on device',
      },
      {
        when: 'a training that does not notice it',
        script: `head -c ${12 * MiB} /dev/zero >/content/artifacts/w; true`,
        says: `container "seal" exited with 3: ${full}`,
        // Its result is what it has written: only the training itself could know that some is missing.
        isWritten: true,
      },
    ])('$when', async ({ script, says, isWritten = false }) => {
      const ns = await namespace('full')
      await apply(ns, manifest('Model', 'it', { ...runs(script), package: 'Never', ...once }))
      await untilSays(ns, 'model/it', `False Failed: ${says}`)
      expect((await get(ns, 'model/it')).status.artifacts).toBeUndefined()
      const folder = await folderOfClaim(ns, 'it-model-artifacts')
      expect(filesOf(folder, 'run')).not.toContain('.substratus.json')

      giveRoom(folder)
      if (isWritten) await ok(['-n', ns, 'annotate', 'model/it', 'substratus.ai/rerun=1'])
      else await again(ns, 'run')
      await untilSays(ns, 'model/it', 'True Done')
      expect((await get(ns, 'model/it')).status.artifacts.bytes).toBe(12 * MiB)
      expect(filesOf(folder, 'run')).toContain('.substratus.json')
    })

    test('packaging, which pushes no image until it is complete', async () => {
      const ns = await namespace('full')
      const script = `head -c ${6 * MiB} /dev/urandom >/content/artifacts/w`
      await apply(ns, manifest('Model', 'it', { ...runs(script), package: 'Always' }))
      await untilSays(
        ns,
        'model/it',
        new RegExp(
          `^False Failed: container "package" exited with 1: ${small.host}/small/${ns}/model-it: push refused with 500: .*no space left on device`,
        ),
      )
      const listed = async () =>
        (await fetch(`http://${small.host}/v2/small/${ns}/model-it/tags/list`)).status
      expect(await listed()).toBe(404)
      expect((await get(ns, 'model/it')).status.artifacts?.image).toBeUndefined()

      giveRoom(small.path)
      await again(ns, 'package')
      await untilSays(ns, 'model/it', 'True Done: packaged as ')
      expect(await listed()).toBe(200)
    })
  })
})

test('a full folder of the node is reported with storage.driver hostPath', async () => {
  const path = tightFolder('host', 8)
  const storage = { driver: 'hostPath', hostPath: { path, allowed: true } } as const
  const undo = await configured((config) => ({ ...config, storage }))
  const there = () => readdirSync(path, { encoding: 'utf8', recursive: true })
  try {
    const ns = await namespace('full')
    const script = `head -c ${12 * MiB} /dev/zero >/content/artifacts/w; true`
    const command = ['/bin/sh', '-c', script]
    await apply(ns, manifest('Dataset', 'it', { image: `${base}/busybox:1`, command, ...once }))
    await untilSays(ns, 'dataset/it', `False Failed: container "seal" exited with 3: ${full}`)
    expect((await get(ns, 'dataset/it')).status.artifacts).toBeUndefined()
    expect(there().filter((name) => name.endsWith('.substratus.json'))).toEqual([])

    giveRoom(path)
    await ok(['-n', ns, 'annotate', 'dataset/it', 'substratus.ai/rerun=1'])
    await untilSays(ns, 'dataset/it', 'True Done: loaded into hostpath://')
    const { url, bytes } = (await get(ns, 'dataset/it')).status.artifacts
    expect(bytes).toBe(12 * MiB)
    expect(readdirSync(url.replace('hostpath://', '')).sort()).toEqual(['.substratus.json', 'w'])
  } finally {
    await undo()
  }
})

/** A proxy for the node's S3 server that closes connections after so many bytes, until `restore`. */
async function breakingProxy(bytes: number) {
  let left = bytes
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(portOf(s3Url), nodeAddress)
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from)
      from.on('error', () => {})
      from.on('close', () => {
        open.delete(from)
        end()
      })
      from.on('data', (chunk) => {
        left -= chunk.length
        if (left <= 0) return end()
        if (to.write(chunk)) return
        from.pause()
        to.once('drain', () => from.resume())
      })
    }
    if (left <= 0) end()
  })
  await new Promise<void>((done) => server.listen(0, nodeAddress, done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${nodeAddress}:${port}`,
    restore: () => {
      left = Number.POSITIVE_INFINITY
    },
    stop: () => {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

describe('a lost connection to S3 is reported during', () => {
  const keys = { AWS_ACCESS_KEY_ID: s3Key.id, AWS_SECRET_ACCESS_KEY: s3Key.secret }
  const unreachable = '(connection (refused|reset by peer)|unexpected EOF|broken pipe)$'
  const bucket = 'lost'

  test('a load, and during the upload of results', async () => {
    const ns = await namespace('lost')
    const [there, back] = [await breakingProxy(9 * MiB), await breakingProxy(9 * MiB)]
    mkdirSync(below('s3', bucket), { recursive: true })
    mkdirSync(below('s3', ns), { recursive: true })
    writeFileSync(below('s3', ns, 'w.bin'), Buffer.alloc(24 * MiB, 'x'))
    const undo = await configured((config) => ({
      ...config,
      storage: { driver: 's3', s3: { bucket, endpoint: back.url, secretName: 'keys' } },
    }))
    try {
      await secret(ns, 'keys', 'Opaque', keys)
      await secret(ns, 'own', 'Opaque', keys)
      const env = {
        AWS_ENDPOINT_URL: there.url,
        AWS_ACCESS_KEY_ID: '${{ secrets.own.AWS_ACCESS_KEY_ID }}',
        AWS_SECRET_ACCESS_KEY: '${{ secrets.own.AWS_SECRET_ACCESS_KEY }}',
      }
      const script = `head -c ${24 * MiB} /dev/urandom >/content/artifacts/w`
      await apply(
        ns,
        manifest('Dataset', 'it', { source: `s3://${ns}`, env, ...once }),
        manifest('Model', 'it', {
          image: `${base}/busybox:1`,
          command: ['/bin/sh', '-c', script],
          package: 'Never',
          ...once,
        }),
      )
      await untilSays(
        ns,
        'dataset/it',
        new RegExp(
          `^False Failed: container "load" exited with 1: s3://${ns} cannot be reached: ${unreachable}`,
        ),
      )
      await untilSays(
        ns,
        'model/it',
        new RegExp(
          `^False Failed: container "seal" exited with 1: s3://${bucket}/${ns}/model-it cannot be reached: ${unreachable}`,
        ),
      )
      for (const what of ['dataset/it', 'model/it'])
        expect((await get(ns, what)).status.artifacts).toBeUndefined()
      const arrived = readdirSync(below('s3', bucket), { recursive: true }).map(String)
      expect(arrived.filter((path) => path.endsWith('.substratus.json'))).toEqual([])

      there.restore()
      back.restore()
      for (const stage of ['load', 'run']) await again(ns, stage)
      for (const what of ['dataset/it', 'model/it']) {
        await untilSays(ns, what, 'True Done')
        expect((await get(ns, what)).status.artifacts.bytes).toBe(24 * MiB)
      }
    } finally {
      await undo()
      there.stop()
      back.stop()
    }
  })
})
