import { describe, expect, test } from 'vitest'
import { freePorts } from '../../platform/ports.ts'
import { accountOf, allowed, requestsOf } from './accounts.ts'
import { documentsIn, done, drive, home, team } from './chart.ts'
import { get, manifest, ok, type Shown } from './cluster.ts'
import { installation } from './installation.ts'
import { applyOneOfEach, everything } from './oneofeach.ts'

/**
 * Metacontroller as a part of the chart. No container runs here, so its binary runs as a process of this
 * machine, with the flags of the StatefulSet and a token of its ServiceAccount.
 */

const bed = installation()
const account = `${home}:substratus-metacontroller`
const enabled = 'metacontroller.enabled=true'
const definitions = ['compositecontrollers', 'decoratorcontrollers', 'controllerrevisions'].map(
  (plural) => `${plural}.metacontroller.k8s.io`,
)

const helm = (verb: 'install' | 'upgrade', ...set: readonly string[]) =>
  bed.release(verb, '--set', [bed.outside, ...set].join())

test('helm install --wait installs Metacontroller, its CRDs and the controllers in a cluster without them', async () => {
  const set = [bed.outside, enabled].join()
  done(await bed.release('install', '--set', set, '--wait', '--timeout', '90s'))
  for (const name of definitions)
    expect((await get(home, `crd/${name}`, bed.target)).metadata.labels).toEqual({
      'app.kubernetes.io/part-of': 'substratus',
    })
  expect((await get(home, 'compositecontrollers', bed.target)).items).toHaveLength(4)
  // Its Pod satisfies restricted Pod Security, which the namespace enforces.
  const { items } = await get(home, 'pods', bed.target)
  expect(items.map(({ metadata }: Shown) => metadata.name)).toEqual(['substratus-metacontroller-0'])
})

test('its account has the rights to reconcile all kinds, and its probes succeed', async () => {
  await bed.restartServer()
  const { spec } = await get(home, 'statefulset/substratus-metacontroller', bed.target)
  const [container] = spec.template.spec.containers
  const [health = 0] = await freePorts(1)
  const args = container.args.map((arg: string) =>
    arg
      .replace(
        '--health-probe-bind-address=:8081',
        `--health-probe-bind-address=127.0.0.1:${health}`,
      )
      .replace('--metrics-address=:9999', '--metrics-address=0'),
  )
  bed.driving = await drive(
    bed,
    await accountOf(bed.target, bed.plane, home, 'substratus-metacontroller'),
    args,
  )
  await applyOneOfEach(bed)
  expect(requestsOf(bed.target, account).length).toBeGreaterThan(10)
  expect(requestsOf(bed.target, account).filter((line) => line.includes('FORBIDDEN'))).toEqual([])
  if (bed.driving.embedded) return
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
    expect((await fetch(`http://127.0.0.1:${health}${container[probe].httpGet.path}`)).status).toBe(
      200,
    )
})

test('its account has no rights to what it does not manage here', async () => {
  const everybody = await allowed(bed.target, `${team}:default`, team)
  const own = (await allowed(bed.target, account, team)).filter((line) => !everybody.includes(line))
  const writes = own.filter((line) => /^(create|update|patch|delete)/.test(line))
  expect(new Set(writes.map((line) => line.split(' ')[1]))).toEqual(
    new Set([
      ...['jobs', 'deployments', 'statefulsets', 'services', 'networkpolicies'],
      ...['persistentvolumeclaims', 'resourceclaimtemplates'],
      ...['controllerrevisions', 'events'],
    ]),
  )
})

test.each([
  { set: 'hookToken.enabled=false', secrets: false },
  { set: 'hookToken.enabled=false,tls.certManager.enabled=true', secrets: true },
  { set: 'hookToken.enabled=true', secrets: true },
])('with $set it may read Secrets: $secrets', async ({ set, secrets }) => {
  const text = done(await bed.release('template', '--set', [enabled, set].join()))
  const roles = documentsIn(text).filter(
    ({ kind, metadata }) =>
      kind === 'ClusterRole' && metadata.name.startsWith('substratus-metacontroller'),
  )
  expect(JSON.stringify(roles).includes('"secrets"')).toBe(secrets)
})

describe('after helm uninstall', () => {
  test('its CRDs and all workloads remain', async () => {
    const before = await everything(bed)
    await bed.driving.end()
    done(await bed.uninstall())
    expect((await get(home, 'statefulsets', bed.target)).items).toEqual([])
    for (const name of definitions) await get(home, `crd/${name}`, bed.target)
    expect(await everything(bed)).toEqual(before)
  })

  test('beside another Metacontroller it is refused, and the error names that one', async () => {
    const metadata = { name: 'metacontroller', namespace: 'metacontroller' }
    const labels = { app: 'metacontroller' }
    const image = 'ghcr.io/metacontroller/metacontroller:v4.17.2'
    const spec = { containers: [{ name: 'metacontroller', image }] }
    await bed.plane.kubectl.apply([
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata,
        spec: {
          replicas: 0,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec },
        },
      },
    ])
    const reason =
      'Metacontroller is installed already: StatefulSet "metacontroller" in namespace "metacontroller"'
    const refused = await helm('install', enabled)
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain(reason)
    // The chart installs beside that one, and enabling Metacontroller is still refused.
    done(await helm('install'))
    expect((await helm('upgrade', enabled)).stderr).toContain(reason)
  })

  test('once the other one is removed, an upgrade enables it', async () => {
    await ok(
      ['-n', 'metacontroller', 'delete', 'statefulset/metacontroller'],
      undefined,
      bed.target,
    )
    done(await helm('upgrade', enabled))
    await get(home, 'statefulset/substratus-metacontroller', bed.target)
  })

  test('and it reconciles the objects without changing their children', async () => {
    const before = await everything(bed)
    // The accounts are new, and so are their tokens.
    await accountOf(bed.target, bed.plane, home, 'substratus-metacontroller')
    bed.driving.again()
    await bed.restartServer()
    done(await bed.apply(manifest('Model', 'again', { image: 'example.com/m' })))
    await bed.untilReady('model/again', '^True')
    expect(await everything(bed)).toEqual(before)
  })
})
