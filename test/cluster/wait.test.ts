import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { findHelm } from '../../platform/binaries/find.ts'
import { type Ended, get, manifest, namespace, readyOf } from './cluster.ts'

/** `helm install --wait` follows the rules of kstatus, as Flux does: it ends when an object is as it should be. */

/** Installs a chart of these objects, and waits for them. */
async function install(name: string, ns: string, ...objects: readonly string[]): Promise<Ended> {
  const { dir, kubeconfig } = inject('cluster')
  const chart = join(dir, `chart-${name}`)
  mkdirSync(join(chart, 'templates'), { recursive: true })
  writeFileSync(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`)
  writeFileSync(join(chart, 'templates/objects.yaml'), objects.join('\n---\n'))
  const helm = await findHelm({ progress: () => {} })
  const args = ['install', name, chart, '-n', ns, '--wait', '--timeout', '60s']
  return new Promise((resolve) => {
    execFile(helm, ['--kubeconfig', kubeconfig, ...args], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    )
  })
}

const image = 'example.com/program:1'
const trains = { image, params: { epochs: 1 }, package: 'Never' }

test.concurrent('it waits until a training is done, and for nothing that sleeps on purpose', async () => {
  const ns = await namespace('helmwait')
  const ended = await install(
    'works',
    ns,
    manifest('Model', 'trained', trains),
    manifest('Model', 'later', { ...trains, suspend: true }),
    manifest('Notebook', 'asleep', { suspend: true }),
    manifest('ModelServer', 'stopped', { model: { name: 'trained' }, image, replicas: 0 }),
  )
  expect(ended).toMatchObject({ code: 0 })
  expect(readyOf(await get(ns, 'model/trained'))).toMatch(/^True Done/)
  expect(readyOf(await get(ns, 'notebook/asleep'))).toMatch(/^True Suspended/)
})

test.concurrent('it ends at once, and fails, when a training has failed', async () => {
  const ns = await namespace('helmwait')
  const before = Date.now()
  const failing = manifest('Model', 'fails', trains, { labels: { simulate: 'exit' } })
  const { code, stderr } = await install('fails', ns, failing)
  expect(code).not.toBe(0)
  expect(stderr).toContain('fails')
  expect(readyOf(await get(ns, 'model/fails'))).toMatch(/^False Failed/)
  expect(Date.now() - before).toBeLessThan(55_000)
})
