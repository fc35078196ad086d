import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { findNodeBinaries } from '../../platform/binaries/find.ts'
import { issue } from '../../platform/controlplane/pki.ts'
import { imageNamed, nodeAddress, s3Key, s3Url } from '../../platform/node/addresses.ts'
import { toolImage } from '../../platform/node/images.ts'
import { apply, get, manifest, namespace, ok } from '../cluster/cluster.ts'
import { receiver } from '../receiver.ts'
import { configured } from './configured.ts'
import { hubOf } from './fakehub.ts'
import { storeOf } from './googlestore.ts'
import { secret, seenIn, serverFor, untilSays } from './realnode.ts'

/** The sources of Models and Datasets. Another container reads the loaded files in the volume. */

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
const weights = Buffer.from('0123456789abcdef'.repeat(3_000_000))

/** The names and sha256 of an object's artifacts. */
async function loaded(ns: string, what: string): Promise<readonly string[]> {
  const { url } = (await get(ns, what)).status.artifacts
  const [, claimName, subPath] = /^pvc:\/\/([^/]+)\/(.*)$/.exec(url) ?? []
  const script = 'cd /it && find . -type f ! -name .substratus.json | xargs sha256sum'
  const volume = { persistentVolumeClaim: { claimName, readOnly: true } }
  const seen = await seenIn(ns, volume, script, { subPath, readOnly: true })
  return seen
    .split('\n')
    .map((line) => line.replace(/ +\.\//, ' '))
    .sort((a, b) => (a.slice(65) < b.slice(65) ? -1 : 1))
}

/** Where a loader reports instead of at the server, whose status shows only some of the reports. */
async function reportsOf() {
  const { heard, first, listener } = receiver()
  const { url, stop } = await serverFor(listener)
  /** The loader's bytes rise, and the seal reports all of them at the end. */
  const expectAll = (of: number) => {
    expect(heard[0]?.step).toBeLessThan(of)
    expect(Math.max(...heard.map(({ step }) => step))).toBe(of)
    expect(heard.at(-1)).toEqual({ step: of, of })
  }
  return { env: { SUBSTRATUS_PROGRESS_URL: url }, first, stop, expectAll }
}

describe.concurrent('a source is loaded', () => {
  test('from a web server, resumed after a lost connection, and verified by checksum', async () => {
    const ns = await namespace('source')
    const ranges: (string | undefined)[] = []
    const files = await serverFor((request, response) => {
      ranges.push(request.headers.range)
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      response.writeHead(from ? 206 : 200, {
        etag: '"one"',
        'content-length': weights.length - from,
        ...(from && { 'content-range': `bytes ${from}-${weights.length - 1}/${weights.length}` }),
      })
      if (ranges.length > 1) return void response.end(weights.subarray(from))
      response.write(weights.subarray(0, 9_000_000), () =>
        setTimeout(() => response.destroy(), 500),
      )
    })
    try {
      const source = `${files.url}/weights.bin#sha256=${sha256(weights)}`
      await apply(ns, manifest('Model', 'it', { source }))
      await untilSays(ns, 'model/it', 'True Done: served from storage: pvc://')
      expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)])
      expect(await loaded(ns, 'model/it')).toEqual([`${sha256(weights)} weights.bin`])
      expect((await get(ns, 'model/it')).status.artifacts.bytes).toBe(weights.length)
    } finally {
      files.stop()
    }
  })

  test('from s3://, with credentials from a Secret', async () => {
    const ns = await namespace('source')
    const folder = join(inject('cluster').dir, 'node', 's3', ns, 'deep', 'er')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'b.bin'), 'b')
    writeFileSync(join(folder, '..', 'a.bin'), weights)
    await secret(ns, 's3', 'Opaque', s3Key)
    const from = {
      source: `s3://${ns}/deep`,
      env: {
        AWS_ENDPOINT_URL: s3Url,
        AWS_ACCESS_KEY_ID: '${{ secrets.s3.id }}',
        AWS_SECRET_ACCESS_KEY: '${{ secrets.s3.secret }}',
      },
      runPolicy: { backoffLimit: 0 },
    }
    await apply(
      ns,
      manifest('Dataset', 'it', from),
      manifest('Dataset', 'some', { ...from, files: ['*.bin', '!er/'] }),
      manifest('Dataset', 'none', { ...from, files: ['*.csv'] }),
    )
    await untilSays(ns, 'dataset/it', 'True Done: loaded into pvc://')
    await untilSays(ns, 'dataset/some', 'True Done: loaded into pvc://')
    expect(await loaded(ns, 'dataset/some')).toEqual([`${sha256(weights)} a.bin`])
    await untilSays(
      ns,
      'dataset/none',
      `False Failed: container "load" exited with 1: spec.files: no file of s3://${ns}/deep matches "*.csv"`,
    )
    expect(await loaded(ns, 'dataset/it')).toEqual([
      `${sha256(weights)} a.bin`,
      `${sha256(Buffer.from('b'))} er/b.bin`,
    ])
  })

  test('from gs://, with a service account’s key from a Secret, which is never printed', async () => {
    const ns = await namespace('source')
    const reports = await reportsOf()
    const files = {
      'deep/a.bin': weights,
      'deep/er/b.bin': Buffer.from('b'),
      'other.bin': Buffer.from('other'),
    }
    const store = storeOf('bucket', files, reports.first)
    const server = await serverFor(store.listener)
    try {
      const key = store.keyFor(server.url)
      await secret(ns, 'google', 'Opaque', { key, broken: key.replace('BEGIN', 'BEGUN') })
      const from = (name: string, secretKey: string) =>
        manifest('Dataset', name, {
          source: 'gs://bucket/deep',
          env: {
            ...reports.env,
            RCLONE_CONFIG_GS_ENDPOINT: `${server.url}/storage/v1/`,
            GOOGLE_APPLICATION_CREDENTIALS: `\${{ secrets.google.${secretKey} }}`,
          },
          runPolicy: { backoffLimit: 0 },
        })
      await apply(ns, from('it', 'key'), from('refused', 'broken'))
      await untilSays(ns, 'dataset/it', 'True Done: loaded into pvc://')
      expect(await loaded(ns, 'dataset/it')).toEqual([
        `${sha256(weights)} a.bin`,
        `${sha256(Buffer.from('b'))} er/b.bin`,
      ])
      await untilSays(
        ns,
        'dataset/refused',
        'False Failed: container "load" exited with 1: gs://bucket/deep refuses the credentials: give the JSON key of a service account as GOOGLE_APPLICATION_CREDENTIALS in spec.env, from a Secret',
      )
      const [pod] = JSON.parse(
        await ok(['-n', ns, 'get', 'pods', '-l', 'substratus.ai/name=refused', '-o', 'json']),
      ).items
      const log = await ok(['-n', ns, 'logs', pod.metadata.name, '-c', 'load'])
      const status = JSON.stringify((await get(ns, 'dataset/refused')).status)
      for (const text of [log, status]) expect(text).not.toMatch(/PRIVATE KEY|MII[A-Za-z0-9+/]{20}/)
      reports.expectAll(weights.length + 1)
    } finally {
      server.stop()
      reports.stop()
    }
  })

  test('from hf://, by the hub’s own client, with a token, resumed and verified', async () => {
    const ns = await namespace('source')
    let broke = 0
    const reports = await reportsOf()
    const hub = hubOf({
      'org/tiny': {
        token: 'hub-token',
        large: ['model.safetensors'],
        files: {
          'config.json': Buffer.from('{}'),
          'model.safetensors': weights,
          'pytorch_model.bin': weights,
        },
        breaks: (file) => file === 'model.safetensors' && broke++ === 0,
        after: reports.first,
      },
      'org/spoilt': { large: ['w.bin'], files: { 'w.bin': Buffer.from('right') }, lies: true },
      'datasets/org/rows': { large: [], files: { 'rows.jsonl': Buffer.from('{"a": 1}\n') } },
    })
    const server = await serverFor(hub.listener)
    try {
      await secret(ns, 'hub', 'Opaque', { token: 'hub-token' })
      const env = { HF_ENDPOINT: server.url }
      await apply(
        ns,
        manifest('Model', 'it', {
          source: 'hf://org/tiny@main',
          env: { ...env, ...reports.env, HF_TOKEN: '${{ secrets.hub.token }}' },
        }),
        manifest('Dataset', 'it', { source: 'hf://org/rows', env }),
        manifest('Model', 'locked', {
          source: 'hf://org/tiny',
          env,
          runPolicy: { backoffLimit: 0 },
        }),
      )
      await apply(
        ns,
        manifest('Model', 'spoilt', {
          source: 'hf://org/spoilt',
          env,
          runPolicy: { backoffLimit: 0 },
        }),
      )
      await untilSays(ns, 'model/it', 'True Done: served from storage: pvc://')
      expect(hub.asked.some((line) => /model\.safetensors bytes=[1-9]\d*-/.test(line))).toBe(true)
      expect(await loaded(ns, 'model/it')).toEqual([
        `${sha256(Buffer.from('{}'))} config.json`,
        `${sha256(weights)} model.safetensors`,
      ])
      expect((await get(ns, 'model/it')).status.stages.run.omitted).toEqual({
        files: 1,
        bytes: weights.length,
      })
      await untilSays(ns, 'dataset/it', 'True Done: loaded into pvc://')
      expect(await loaded(ns, 'dataset/it')).toEqual([
        `${sha256(Buffer.from('{"a": 1}\n'))} rows.jsonl`,
      ])
      await untilSays(
        ns,
        'model/locked',
        'False Failed: container "run" exited with 1: org/tiny does not exist on the hub, or is private: then give HF_TOKEN in spec.env, from a Secret',
      )
      await untilSays(
        ns,
        'model/spoilt',
        'False Failed: container "run" exited with 1: hf://org/spoilt cannot be loaded: the hub has other contents of w.bin: removed',
      )
      reports.expectAll(weights.length + 2)
    } finally {
      server.stop()
      reports.stop()
    }
  })

  test('from pvc:// without a copy: it is used in place', async () => {
    const ns = await namespace('source')
    const files = await serverFor((_, response) => response.end('abc'))
    try {
      await apply(ns, manifest('Model', 'first', { source: `${files.url}/x` }))
      await untilSays(ns, 'model/first', 'True Done')
      const { url } = (await get(ns, 'model/first')).status.artifacts
      await apply(ns, manifest('Model', 'it', { source: url }))
      await untilSays(ns, 'model/it', `True Done: served from storage: ${url}`)
      expect(await loaded(ns, 'model/it')).toEqual([`${sha256(Buffer.from('abc'))} x`])
    } finally {
      files.stop()
    }
  })
})

/** The loader's image with another CA, as in docs/troubleshooting.md. */
async function loaderThatTrusts(ca: string): Promise<string> {
  const { crane } = await findNodeBinaries({ progress: () => {} })
  const [from, to] = [imageNamed(toolImage('loader')), imageNamed('tools/loader-and-ca:1')]
  const folder = mkdtempSync(join(tmpdir(), 'substratus-ca-'))
  copyFileSync(ca, join(folder, 'ca.crt'))
  const layer = join(folder, 'layer.tar')
  execFileSync('tar', ['-C', folder, '-cf', layer, 'ca.crt'])
  const edit = (...args: readonly string[]) =>
    execFileSync(crane, [...args, '--insecure'], { stdio: 'ignore' })
  edit('append', '-b', from, '-f', layer, '-t', to)
  edit('mutate', to, '--env=NODE_EXTRA_CA_CERTS=/ca.crt', '-t', to)
  rmSync(folder, { recursive: true })
  return to
}

test('a source is loaded from https:// with a CA that only the loader’s image contains', async () => {
  const { ca, dir } = inject('cluster')
  const pki = await issue(join(dir, 'pki'), 'files', { commonName: 'files' }, [nodeAddress])
  const [key, cert] = [readFileSync(pki.key), readFileSync(pki.cert)]
  const files = await serverFor((_, response) => response.end('abc'), { key, cert })
  const source = `${files.url}/x`
  const ns = await namespace('source')
  let undo = async () => {}
  try {
    await apply(ns, manifest('Model', 'before', { source, runPolicy: { backoffLimit: 0 } }))
    await untilSays(
      ns,
      'model/before',
      /^False Failed: container "run" exited with 1: https:.*\/x: its certificate is not trusted: if it comes from a private CA, set CA_CERTIFICATES in spec\.env: unable to verify the first certificate$/,
    )
    const loader = await loaderThatTrusts(ca)
    undo = await configured((config) => ({ ...config, images: { ...config.images, loader } }))
    await apply(ns, manifest('Model', 'it', { source }))
    await untilSays(ns, 'model/it', 'True Done: served from storage: pvc://')
    expect(await loaded(ns, 'model/it')).toEqual([`${sha256(Buffer.from('abc'))} x`])
  } finally {
    await undo()
    files.stop()
  }
})
