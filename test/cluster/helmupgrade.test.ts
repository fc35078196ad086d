import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { defaultConfig } from '../../crds/config.ts'
import { root } from '../../terminal/root.ts'
import { chart, done, home, team } from './chart.ts'
import { get, kubectl, manifest, ok, type Shown, until } from './cluster.ts'
import { installation } from './installation.ts'
import { everything } from './oneofeach.ts'

/**
 * From the released chart to this one and back, while a training runs. Both servers are from this tree:
 * they differ in the configuration from their charts, and in the default images of the tools.
 */

const folder = join(root, 'test', 'charts')
const [archive = ''] = readdirSync(folder).sort((a, b) =>
  b.localeCompare(a, 'en', { numeric: true }),
)
const released = /-([0-9.]+)\.tgz$/.exec(archive)?.[1] ?? ''
const { version } = parse(readFileSync(join(chart, 'Chart.yaml'), 'utf8'))

const toolsOf = (version: string): readonly string[] => {
  const { builder, loader, seal, idle } = defaultConfig.images
  const images = Object.entries({ builder, loader, seal, idle }).map(
    ([tool, image]) => `config.images.${tool}=${image.replace(/:.*/, `:${version}`)}`,
  )
  return ['--set', images.join()]
}

const bed = installation({
  installed: { from: join(folder, archive), args: toolsOf(released) },
  inUse: true,
})
let children: readonly string[]

/** Like a rollout. A new object shows that Metacontroller has synced since. */
async function afterwards(name: string): Promise<void> {
  await bed.restartServer()
  await bed.driving.look()
  done(await bed.apply(manifest('Model', name, { image: 'example.com/m' })))
  await bed.untilReady(`model/${name}`, '^True')
}

const chartOf = async () =>
  (await get(home, 'deployment/substratus', bed.target)).metadata.labels['helm.sh/chart']
const hooksUrl = async () =>
  (await get(home, 'compositecontroller/models.substratus.ai', bed.target)).spec.hooks.sync.webhook
    .url

beforeAll(async () => {
  children = await everything(bed)
})

test('the released chart is older than this one, and its Job is running', async () => {
  expect(await chartOf()).toBe(`substratus-${released}`)
  expect(version.localeCompare(released, 'en', { numeric: true })).toBe(1)
  expect(children.join('\n')).toContain('Job/held-model-run-')
})

test('with --reuse-values, Metacontroller remains a separate installation', async () => {
  const manifests = done(await bed.release('upgrade', '--reuse-values', '--dry-run=server'))
  expect(manifests).toContain('kind: CompositeController')
  expect(manifests).not.toContain('substratus-metacontroller')
})

/** A StatefulSet takes the template of each version, but its Pod stays until somebody deletes it. */
const exceptTemplates = (lines: readonly string[]) =>
  lines.filter((line) => !line.startsWith('StatefulSet/'))

test('an upgrade changes no child, even with a new token', async () => {
  const url = await hooksUrl()
  await ok(['-n', home, 'delete', 'secret', 'substratus-hooks'], undefined, bed.target)
  done(await bed.release('upgrade', '--reset-then-reuse-values', ...toolsOf(version)))
  expect(await chartOf()).toBe(`substratus-${version}`)
  // Metacontroller restarts its controllers.
  expect(await hooksUrl()).not.toBe(url)
  await afterwards('after-upgrade')
  expect(exceptTemplates(await everything(bed))).toEqual(exceptTemplates(children))
  // New Jobs have this version's tools.
  const source = 'https://example.com/new'
  done(
    await kubectl(
      ['-n', 'default', 'apply', '-f', '-'],
      manifest('Dataset', 'new', { source }),
      bed.target,
    ),
  )
  const { items } = await until(
    () => get('default', 'jobs', bed.target),
    ({ items }) => items.length === 1,
  )
  expect(items[0].spec.template.spec.containers[0].image).toContain(`-loader:${version}`)
})

test('a rollback to the released chart changes no child', async () => {
  done(await bed.rollback())
  expect(await chartOf()).toBe(`substratus-${released}`)
  await afterwards('after-rollback')
  expect(exceptTemplates(await everything(bed))).toEqual(exceptTemplates(children))
})

test('the training that ran meanwhile completes, and runs only once', async () => {
  // First from the Model: the Pod that seals takes its labels.
  for (const what of [['model/held'], ['pods', '--all']])
    await ok(['-n', team, 'label', ...what, 'simulate-'], undefined, bed.target)
  await bed.untilReady('model/held', '^True')
  const created = readFileSync(bed.target.auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"resource":"jobs"'))
    .map((line) => JSON.parse(line))
    .filter(
      ({ verb, objectRef }: Shown) =>
        verb === 'create' && objectRef.name.startsWith('held-model-run-'),
    )
  expect(created).toHaveLength(1)
})
