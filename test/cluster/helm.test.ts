import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { findHelm } from '../../cli/local/binaries.ts'
import { type ControlPlane, startControlPlane } from '../../cli/local/controlplane.ts'
import { driverOf } from '../../cli/local/driver.ts'
import type { ProcessRecord } from '../../cli/local/identity.ts'
import { freePorts } from '../../cli/local/ports.ts'
import { endProcess, launch } from '../../cli/local/processes.ts'
import { modulePath, root } from '../../cli/local/root.ts'
import { configOf } from '../../crds/config.ts'
import {
  accountOf,
  addressOfThisMachine,
  allowed,
  asked,
  chart,
  documentsIn,
  type Helm,
  helmOf,
  home,
  mount,
  type Running,
  release,
  startServer,
  type Target,
  targetOf,
} from './chart.ts'
import { claimOf, get, kubectl, manifest, ok, readyOf, type Shown, until } from './cluster.ts'

/** An admin's day with the chart, from top to bottom, on a control plane of its own. */

let plane: ControlPlane
let target: Target
let helm: Helm
let server: Running
let port = 0
let drive: () => ProcessRecord
let driving: ProcessRecord
/** The embedded runner sees a changed CompositeController only when it starts; Metacontroller at once. */
let embedded = false
const address = addressOfThisMachine()
const team = 'team'

const presets = readdirSync(join(chart, 'presets')).sort()
const presetArgs = (preset: string) => ['--values', join(chart, 'presets', preset)]
const apply = (text: string, namespace = team) =>
  kubectl(['-n', namespace, 'apply', '-f', '-'], text, target)
const done = ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => {
  if (code !== 0) throw new Error(stderr || stdout)
  return stdout
}
const untilReady = (what: string, says: string | RegExp) =>
  until(
    async () => readyOf(await get(team, what, target)),
    (ready) => new RegExp(says).test(ready),
    90,
  )
/** Uid and generation of every child and Pod of the team: another one is another uid. */
const everything = async () =>
  (
    await get(
      team,
      'jobs,deployments,statefulsets,services,networkpolicies,persistentvolumeclaims,pods',
      target,
    )
  ).items
    .map(
      ({ kind, metadata: { name, uid, generation } }: Shown) =>
        `${kind}/${name} ${uid} ${generation ?? ''}`,
    )
    .sort()

/** A server of this machine behind the chart's Service. */
const endpointOf = (name: string, at: number) => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: home, labels: { 'kubernetes.io/service-name': 'substratus' } },
  addressType: 'IPv4',
  ports: [{ name: 'https', port: at, protocol: 'TCP' }],
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
})

/** Applies one change after the other until told to stop; what failed. */
function applySteadily(name: string) {
  let over = false
  const failed: string[] = []
  const all = (async () => {
    let count = 0
    for (; !over; count++) {
      const said = await apply(manifest('Model', name, { image: `example.com/m:${count}` }))
      if (said.code !== 0) failed.push(said.stderr)
    }
    return { failed, count }
  })()
  return () => {
    over = true
    return all
  }
}

beforeAll(async () => {
  const progress = (line: string) => console.log(line)
  const dir = mkdtempSync(join(tmpdir(), 'substratus-helm-'))
  const binary = await findHelm({ progress })
  plane = await startControlPlane({
    dir,
    nodes: 2,
    audit: true,
    stages: [join(root, 'test', 'cluster', 'stages.yaml')],
    progress,
  })
  target = targetOf(plane)
  helm = helmOf(binary, target, join(dir, 'helm'))
  port = (await freePorts(1))[0] ?? 0
})
afterAll(async () => {
  await server?.stop()
  await plane?.stop()
})

describe('before anything is installed', () => {
  test.each([
    { how: 'nothing', args: [] as readonly string[] },
    {
      how: 'cert-manager and monitoring',
      args: [
        '--set',
        'tls.certManager.enabled=true,serviceMonitor.enabled=true,alerts.enabled=true,dashboard.enabled=true',
      ],
    },
    ...presets.map((how) => ({ how, args: presetArgs(how) })),
  ])('helm lint --strict with $how', async ({ args }) => {
    const { stdout, stderr } = await helm('lint', '--strict', chart, ...args)
    expect(stdout + stderr).toContain('0 chart(s) failed')
  })

  test.each(presets)('the preset %s is a configuration that the server takes', async (preset) => {
    const text = done(await helm('template', release, chart, '-n', home, ...presetArgs(preset)))
    const { data } = documentsIn(text).find(({ kind }) => kind === 'ConfigMap')
    expect(configOf(parse(data['config.yaml']))).toHaveProperty('config')
  })

  test.each([
    { set: 'config.storage.driver=tape', path: '/config/storage/driver' },
    { set: 'config.gpus.profile=x', path: '/config/gpus' },
    { set: 'replicas=two', path: '/replicas' },
    { set: 'image.digest=latest', path: '/image/digest' },
    { set: 'colour=blue', path: 'colour' },
    { set: 'tls.secretName=mine', path: 'tls.ca is empty' },
    { set: 'metacontroller.url=http://plain', path: '/metacontroller/url' },
  ])('helm install --set $set is refused, and names $path', async ({ set, path }) => {
    const { code, stderr } = await helm('install', release, chart, '-n', home, '--set', set)
    expect(code).not.toBe(0)
    expect(stderr).toContain(path)
  })

  test('without Metacontroller it is refused, with the way to get it', async () => {
    const { code, stderr } = await helm('install', release, chart, '-n', home)
    expect(code).not.toBe(0)
    expect(stderr).toContain('Metacontroller is not installed in this cluster')
    expect(stderr).toContain('helm install metacontroller oci://')
  })
})

describe('installed', () => {
  beforeAll(async () => {
    await plane.kubectl.applyFiles([join(root, 'metacontroller', 'crds.yaml')])
    for (const [name, labels] of Object.entries({
      [home]: { 'pod-security.kubernetes.io/enforce': 'restricted' },
      metacontroller: {},
      [team]: {},
    }))
      await plane.kubectl.apply([
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
      ])
  })

  test.each([
    { args: [] },
    { args: presetArgs('dra.yaml') },
    { args: ['--set', 'hookToken.enabled=false,networkPolicy.enabled=false,replicas=1'] },
    { args: ['--set', 'dashboard.enabled=true,tls.names={example.com,10.0.0.1}'] },
  ])('the API server would take all that helm install $args makes', async ({ args }) => {
    const text = done(
      await helm(
        'template',
        release,
        chart,
        '-n',
        home,
        '--dry-run=server',
        '--skip-tests',
        ...args,
      ),
    )
    done(await kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], text, target))
  })

  test('helm install --wait, in a namespace that enforces restricted Pod Security', async () => {
    done(await helm('install', release, chart, '-n', home, '--wait', '--timeout', '90s'))
    const { items } = await get(home, 'pods', target)
    expect(items).toHaveLength(2)
    // Both nodes have one, so that one may go.
    expect(new Set(items.map(({ spec }: Shown) => spec.nodeName)).size).toBe(2)
    const budget = await until(
      () => get(home, 'poddisruptionbudget/substratus', target),
      ({ status }) => status?.disruptionsAllowed === 1,
    )
    expect(budget.status.currentHealthy).toBe(2)
    const [crd] = documentsIn(
      await ok(['get', 'crd', 'models.substratus.ai', '-o', 'yaml'], undefined, target),
    )
    expect(crd.metadata.annotations['helm.sh/resource-policy']).toBe('keep')
  })

  test('a second installation in another namespace is refused, and says where the first one is', async () => {
    const { code, stderr } = await helm('install', 'other', chart, '-n', team)
    expect(code).not.toBe(0)
    expect(stderr).toContain(
      `Substratus is installed already: release "${release}" in namespace "${home}"`,
    )
  })

  test('an upgrade keeps the random token and the CA', async () => {
    const secrets = async () => {
      const { items } = await get(home, 'secrets', target)
      return items
        .filter(({ type }: Shown) => type !== 'helm.sh/release.v1')
        .map(({ metadata, data }: Shown) => [metadata.name, data])
    }
    const before = await secrets()
    expect(before.map(([name]: string[]) => name)).toEqual([
      'substratus-ca',
      'substratus-hooks',
      'substratus-tls',
    ])
    // No container runs here: the simulated ones must not be where the API server looks for an answer.
    const names = `tls.names={${address}}`
    const url = `metacontroller.url=https://${address}:${port}`
    const args = [
      '--set',
      `replicas=0,${names},${url},config.registry.prefix=registry.example.com/s`,
    ]
    done(await helm('upgrade', release, chart, '-n', home, ...args))
    expect(await secrets()).toEqual(before)
  })

  test('a certificate for more names is made when the Secret is deleted: the CA stays', async () => {
    const { data } = await get(home, 'secret/substratus-ca', target)
    await ok(['-n', home, 'delete', 'secret', 'substratus-tls'], undefined, target)
    done(await helm('upgrade', release, chart, '-n', home, '--reuse-values'))
    const made = (await get(home, 'secret/substratus-tls', target)).data
    const certificate = new X509Certificate(Buffer.from(made['tls.crt'], 'base64'))
    expect(certificate.checkIP(address)).toBe(address)
    expect(certificate.checkHost(`substratus.${home}.svc`)).toBe(`substratus.${home}.svc`)
    expect(made['ca.crt']).toBe(data['tls.crt'])
  })

  test('the server starts with the arguments, files and account of the Deployment', async () => {
    server = await startServer(target, plane, port)
    await plane.kubectl.apply([endpointOf('this-machine', port)])
    // The API server comes by the Service, and checks the certificate's name.
    await until(
      () => apply(manifest('Model', 'refused', { image: 'a', dataset: { name: 'none' } })),
      ({ stderr }) => stderr.includes('Dataset "none" does not exist in this namespace'),
    )
  })

  test('Metacontroller, with the rights of helm/metacontroller-values.yaml alone, drives all kinds', async () => {
    const values = parse(readFileSync(join(chart, 'metacontroller-values.yaml'), 'utf8'))
    const metadata = { name: 'metacontroller', namespace: 'metacontroller' }
    await plane.kubectl.apply([
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRole',
        metadata: { name: 'metacontroller' },
        rules: values.clusterRole.rules,
      },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'ClusterRoleBinding',
        metadata: { name: 'metacontroller' },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'metacontroller',
        },
        subjects: [{ kind: 'ServiceAccount', ...metadata }],
      },
    ])
    const account = await accountOf(target, plane, 'metacontroller', 'metacontroller')
    const driver = await driverOf({ progress: console.log })
    console.log(`driven by ${driver.name}`)
    embedded = driver.name === 'embedded'
    const { dir } = plane
    drive = () => launch({ dir, name: driver.name, file: driver.file, args: driver.args(account) })
    driving = drive()

    const image = 'example.com/train:1'
    done(
      await apply(
        [
          manifest('Dataset', 'd', { source: 'https://example.com/data' }),
          manifest('Model', 'm', { image, dataset: { name: 'd' }, params: { epochs: 1 } }),
          manifest('Model', 'image', { image }),
          manifest('ModelServer', 's', { model: { name: 'image' } }),
          manifest('Notebook', 'n', { model: { name: 'image' }, dataset: { name: 'd' } }),
          manifest(
            'Model',
            'held',
            { image, params: { epochs: 9 } },
            { labels: { simulate: 'hold' } },
          ),
        ].join('\n---\n'),
      ),
    )
    for (const what of ['dataset/d', 'model/m', 'modelserver/s', 'notebook/n'])
      await untilReady(what, '^True')
    await untilReady('model/held', '^False Running')
    expect(
      asked(target, 'metacontroller:metacontroller').filter((line) => line.includes('FORBIDDEN')),
    ).toEqual([])
  })

  test('helm test: what its Pod runs finds the hooks and admission at work, and leaves nothing', async () => {
    const text = done(await helm('template', release, chart, '-n', home))
    const hooks = documentsIn(text).filter(
      ({ metadata }) => metadata.annotations?.['helm.sh/hook'] === 'test',
    )
    const pod = hooks.find(({ kind }) => kind === 'Pod')
    await plane.kubectl.apply(hooks.filter(({ kind }) => kind !== 'Pod'))
    const account = await accountOf(target, plane, home, pod.spec.serviceAccountName)
    const args = [...pod.spec.containers[0].args, '--kubeconfig', account]
    const child = spawn(process.execPath, [modulePath('cli/main'), ...args])
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(said.trim().split('\n')).toEqual([
      expect.stringMatching(/^ok {6}admission refused: .*"try-none" does not exist/),
      ...['Dataset', 'Model', 'ModelServer', 'Notebook'].map((kind) =>
        expect.stringMatching(new RegExp(`^ok {6}${kind}: the hooks said: \\w+: `)),
      ),
    ])
    expect(code).toBe(0)
    await until(
      async () => (await get(home, 'ai', target)).items,
      (items) => items.length === 0,
    )
    for (const { kind, metadata } of hooks)
      await ok(['-n', home, 'delete', '--ignore-not-found', kind, metadata.name], undefined, target)
  })

  test('all that the server asks for is allowed, and nothing that it does not ask for', async () => {
    // A reference makes it look for a Model, and for a Dataset.
    const wanted = ['get datasets', 'get models', 'list pods', 'watch pods']
    await until(
      async () => asked(target, `${home}:substratus`).toSorted(),
      (lines) => wanted.every((line) => lines.includes(line)),
    )
    expect(asked(target, `${home}:substratus`).toSorted()).toEqual(wanted)
    // What every authenticated user may: ask who it is and what it may.
    const everybody = await allowed(target, `${team}:default`, team)
    expect(await allowed(target, `${home}:substratus`, team)).toEqual(
      [...everybody, ...wanted].sort(),
    )
  })

  test('who may view or edit a namespace may view or edit the four kinds there', async () => {
    const may = async (role: string, verb: string, resource: string, subresource = '') => {
      const as = ['--as', role, '-n', team, `--subresource=${subresource}`]
      return (await kubectl(['auth', 'can-i', verb, resource, ...as], undefined, target)).code === 0
    }
    for (const role of ['view', 'edit', 'admin'])
      await ok(
        ['-n', team, 'create', 'rolebinding', role, '--clusterrole', role, '--user', role],
        undefined,
        target,
      )
    const kinds = ['datasets', 'models', 'modelservers', 'notebooks'].map(
      (it) => `${it}.substratus.ai`,
    )
    // The roles are aggregated by a controller, a moment later.
    await until(() => may('edit', 'create', 'models.substratus.ai'), Boolean)
    for (const kind of kinds) {
      expect([await may('view', 'list', kind), await may('view', 'create', kind)]).toEqual([
        true,
        false,
      ])
      for (const role of ['edit', 'admin'])
        for (const verb of ['get', 'create', 'patch', 'delete', 'deletecollection'])
          expect([role, verb, kind, await may(role, verb, kind)]).toEqual([role, verb, kind, true])
    }
    expect(await may('edit', 'patch', 'modelservers.substratus.ai', 'scale')).toBe(true)
    expect(await may('edit', 'patch', 'models.substratus.ai', 'status')).toBe(false)
  })

  test('an upgrade and a rollback touch no child, also none that runs', async () => {
    const before = await everything()
    expect(before.join('\n')).toContain('Job/held-model-run-')
    const set = ['--set', 'podLabels.upgraded=yes,config.limits=All,config.podSecurity=baseline']
    const hook = async () =>
      (await get(home, 'compositecontroller/models.substratus.ai', target)).spec.hooks.sync.webhook
    const { url } = await hook()
    // Another token, another revision of the hooks' address: Metacontroller starts its controllers anew.
    await ok(['-n', home, 'delete', 'secret', 'substratus-hooks'], undefined, target)
    done(await helm('upgrade', release, chart, '-n', home, '--reuse-values', ...set))
    expect((await hook()).url).not.toBe(url)
    await mount(target, 'secret/substratus-hooks', join(plane.dir, 'etc', 'hooks'))
    if (embedded) {
      await endProcess(driving, 5000)
      driving = drive()
    }
    done(await apply(manifest('Model', 'after-upgrade', { image: 'example.com/m' })))
    await untilReady('model/after-upgrade', '^True')
    await sleep(3000)
    expect(await everything()).toEqual(before)
    done(await helm('rollback', release, '-n', home))
    done(await apply(manifest('Model', 'after-rollback', { image: 'example.com/m' })))
    await untilReady('model/after-rollback', '^True')
    await sleep(3000)
    expect(await everything()).toEqual(before)
  })
})

describe('the certificate', () => {
  const served = () =>
    new Promise<string>((resolve, reject) => {
      const ca = readFileSync(join(plane.dir, 'etc', 'tls', 'ca.crt'))
      const socket = connect(
        { host: address, port, ca, servername: `substratus.${home}.svc` },
        () => {
          resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
          socket.destroy()
        },
      )
      socket.on('error', reject)
    })

  /** The CronJob's command, by the CronJob's account. */
  const renew = async (days?: number) => {
    const account = await accountOf(target, plane, home, 'substratus-certificate')
    const job = await get(home, 'cronjob/substratus-certificate', target)
    const [container] = job.spec.jobTemplate.spec.template.spec.containers
    const args = container.args.map((arg: string) =>
      days ? arg.replace(/^--days=.*/, `--days=${days}`) : arg,
    )
    const child = spawn(process.execPath, [
      ...[modulePath('cli/main'), ...args],
      ...['--kubeconfig', account],
    ])
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    return { code, log }
  }

  test('is left alone while it is new', async () => {
    const { data } = await get(home, 'secret/substratus-tls', target)
    expect(await renew()).toMatchObject({ code: 0, log: expect.stringContaining('new enough') })
    expect((await get(home, 'secret/substratus-tls', target)).data).toEqual(data)
  })

  test('is renewed and taken without one failed apply, and without a restart', async () => {
    const before = await served()
    const stop = applySteadily('steady')
    // Longer than the present one's 90 days by so much that it is old.
    expect(await renew(300)).toMatchObject({ code: 0, log: expect.stringContaining('renewed') })
    await mount(target, 'secret/substratus-tls', join(plane.dir, 'etc', 'tls'))
    await until(served, (serial) => serial !== before, 20)
    await sleep(2000)
    const { failed, count } = await stop()
    expect(failed).toEqual([])
    expect(count).toBeGreaterThan(5)
    expect(server.log()).toContain('took the changed certificate')
    // A new connection of the API server's own, by Service and name.
    done(await apply(manifest('Model', 'after-renewal', { image: 'example.com/m' })))
  })

  test('its account may read the CA, write the certificate, and nothing else', async () => {
    expect(asked(target, `${home}:substratus-certificate`).toSorted()).toEqual([
      'get secrets',
      'update secrets',
    ])
    const everybody = await allowed(target, `${team}:default`, home)
    expect(await allowed(target, `${home}:substratus-certificate`, home)).toEqual(everybody)
    const may = async (verb: string, name: string) => {
      const as = ['--as', `system:serviceaccount:${home}:substratus-certificate`, '-n', home]
      const asks = ['auth', 'can-i', verb, `secret/${name}`, ...as]
      return (await kubectl(asks, undefined, target)).code === 0
    }
    expect(await may('get', 'substratus-ca')).toBe(true)
    expect(await may('update', 'substratus-ca')).toBe(false)
    expect(await may('update', 'substratus-tls')).toBe(true)
    expect(await may('get', 'substratus-hooks')).toBe(false)
  })

  test('a rollback brings neither an old certificate nor an old token back', async () => {
    const data = async () =>
      (await get(home, 'secrets', target)).items
        .filter(({ type }: Shown) => type !== 'helm.sh/release.v1')
        .map(({ data }: Shown) => data)
    const before = await data()
    done(await helm('rollback', release, '1', '-n', home))
    expect(await data()).toEqual(before)
    // The first revision has simulated servers, whose addresses the API server must not ask.
    done(await helm('rollback', release, '-n', home))
    await until(
      async () => (await get(home, 'pods', target)).items,
      (pods) => pods.length === 0,
    )
  })
})

test('in a rollout each of two servers ends, the one that is being asked too, and no apply fails', async () => {
  const [second = 0] = await freePorts(1)
  /** What a Deployment does: the endpoint goes, preStop sleeps for 5 s, SIGTERM. */
  const end = async (name: string, running: Running) => {
    await ok(['-n', home, 'delete', 'endpointslice', name], undefined, target)
    await sleep(5000)
    await running.stop()
  }
  const isAsked = ({ log }: Running) =>
    until(
      async () => log(),
      (text) => text.includes('"path":"/admission/validate"'),
      30,
    )
  const stop = applySteadily('rollout')
  const other = await startServer(target, plane, second)
  await plane.kubectl.apply([endpointOf('second', second)])
  // The API server stays with the connection it has, until it is told to come no more.
  await end('this-machine', server)
  await isAsked(other)
  server = await startServer(target, plane, port)
  await plane.kubectl.apply([endpointOf('this-machine', port)])
  await end('second', other)
  await isAsked(server)
  const { failed, count } = await stop()
  expect(failed).toEqual([])
  expect(count).toBeGreaterThan(20)
})

describe('uninstalled', () => {
  test('objects and their children stay, and what would refuse changes to them goes', async () => {
    const before = await everything()
    if (embedded) await endProcess(driving, 5000)
    done(await helm('uninstall', release, '-n', home, '--wait', '--timeout', '60s'))
    for (const what of ['deployments', 'services', 'cronjobs', 'serviceaccounts'])
      expect(
        (await get(home, what, target)).items
          .map(({ metadata }: Shown) => metadata.name)
          .filter((name: string) => name.startsWith('substratus')),
      ).toEqual([])
    for (const what of [
      'compositecontrollers',
      'validatingwebhookconfigurations',
      'mutatingwebhookconfigurations',
    ])
      expect((await get(home, what, target)).items).toEqual([])
    const definitions = (await ok(['get', 'crd', '-o', 'name'], undefined, target)).split('\n')
    expect(definitions.filter((name) => name.endsWith('substratus.ai'))).toHaveLength(4)
    expect((await get(team, 'models', target)).items.length).toBeGreaterThan(3)
    await sleep(2000)
    expect(await everything()).toEqual(before)
  })

  test('meanwhile a trained Model is restored from a backup, its status included', async () => {
    const { metadata, spec, status, ...rest } = await get(team, 'model/m', target)
    expect(status.stages.run).toBeDefined()
    await ok(['-n', team, 'delete', 'model', 'm'], undefined, target)
    await until(
      async () => (await everything()).filter((line: string) => line.includes('/m-model-')),
      (left) => left.length === 0,
    )
    const backup = JSON.stringify({ ...rest, metadata: { name: metadata.name }, spec, status })
    done(await kubectl(['-n', team, 'create', '-f', '-'], backup, target))
    const replace = ['-n', team, 'replace', '--subresource=status', '-f', '-']
    done(await kubectl(replace, backup, target))
    const restored = await get(team, 'model/m', target)
    done(await apply(claimOf(restored.metadata)))
  })

  test('installed again by the same name, it goes on with them', async () => {
    const before = await everything()
    const names = `tls.names={${address}}`
    const url = `metacontroller.url=https://${address}:${port}`
    done(
      await helm(
        ...['install', release, chart, '-n', home, '--set', `replicas=0,${names},${url}`],
        ...['--set', 'config.registry.prefix=registry.example.com/s'],
      ),
    )
    if (embedded) drive()
    await until(
      () => apply(manifest('Model', 'again', { image: 'example.com/m' })),
      ({ code }) => code === 0,
    )
    await untilReady('model/again', '^True')
    // The restored one too, and without a Job.
    await untilReady('model/m', '^True')
    await sleep(3000)
    expect(await everything()).toEqual(before)
  })
})
