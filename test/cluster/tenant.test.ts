import { expect, test } from 'vitest'
import {
  apply,
  get,
  kubectl,
  manifest,
  namespace,
  ok,
  patch,
  type Shown,
  until,
  untilReady,
} from './cluster.ts'

/** A user with `edit` in one namespace changes the annotations of children there. */

const annotation = 'metacontroller.k8s.io/last-applied-configuration'
const kinds = 'jobs,persistentvolumeclaims,deployments,statefulsets,services,networkpolicies'
const image = 'example.com/train:1'
const held = { labels: { simulate: 'hold' } }

const asEve = (ns: string, ...args: readonly string[]): Promise<string> =>
  ok(['--as=eve', '-n', ns, ...args])

async function namespaceOfEve(word: string): Promise<string> {
  const ns = await namespace(word)
  await ok(['-n', ns, 'create', 'rolebinding', 'eve', '--clusterrole=edit', '--user=eve'])
  return ns
}

const childrenIn = async (ns: string): Promise<readonly Shown[]> =>
  (await get(ns, kinds)).items.filter(({ metadata }: Shown) => metadata.labels?.['controller-uid'])

const identities = (children: readonly Shown[]) =>
  children.map(({ kind, metadata }) => `${kind}/${metadata.name} ${metadata.uid}`).sort()

const planted = (kind: 'RoleBinding' | 'Job') =>
  ({
    RoleBinding: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'planted', namespace: 'kube-system' },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'cluster-admin',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'eve' }],
    },
    Job: {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'planted', namespace: 'kube-system' },
      spec: {
        template: {
          spec: {
            hostPID: true,
            restartPolicy: 'Never',
            containers: [{ name: 'c', image, securityContext: { privileged: true } }],
          },
        },
      },
    },
  })[kind]

test.concurrent.each(['RoleBinding', 'Job'] as const)(
  'an annotation with a %s of kube-system creates nothing, and no child is lost',
  async (kind) => {
    const ns = await namespaceOfEve('annotated')
    await apply(ns, manifest('Dataset', 'd', { source: 'https://example.com/data' }))
    await apply(ns, manifest('Model', 'm', { image }))
    await apply(ns, manifest('ModelServer', 's', { model: { name: 'm' } }))
    await apply(ns, manifest('Notebook', 'n', { dataset: { name: 'd' } }))
    for (const what of ['dataset/d', 'model/m', 'modelserver/s', 'notebook/n'])
      await untilReady(ns, what, 'True')
    const before = await childrenIn(ns)
    expect(new Set(before.map(({ kind: child }) => child))).toEqual(
      new Set([
        'Job',
        'PersistentVolumeClaim',
        'Deployment',
        'StatefulSet',
        'Service',
        'NetworkPolicy',
      ]),
    )

    const text = JSON.stringify(planted(kind))
    for (const { kind: child, metadata } of before)
      await asEve(ns, 'annotate', '--overwrite', child, metadata.name, `${annotation}=${text}`)
    // Metacontroller has applied our response once it has recorded what it applied.
    const after = await until(
      () => childrenIn(ns),
      (children) =>
        children.every(({ metadata }) => !metadata.annotations[annotation].includes('planted')),
    )
    expect(identities(after)).toEqual(identities(before))
    expect(after.map(({ spec }) => spec)).toEqual(before.map(({ spec }) => spec))
    const found = await kubectl(['get', 'rolebindings,jobs', '-A', '-o', 'name'])
    expect(found.stdout).not.toContain('planted')
    for (const what of ['dataset/d', 'model/m', 'modelserver/s', 'notebook/n'])
      await untilReady(ns, what, 'True')
  },
)

test.concurrent.each([
  { what: 'a list', text: '[]' },
  { what: 'no JSON', text: 'not JSON' },
  { what: 'a number', text: '7' },
])(
  'an annotation that is $what is reported: Ready names the child and the command',
  async ({ text }) => {
    const ns = await namespaceOfEve('malformed')
    await apply(ns, manifest('Model', 'm', { image, params: { epochs: 1 } }, held))
    await untilReady(ns, 'model/m', 'False Running')
    const [job] = (await get(ns, 'jobs')).items
    await asEve(ns, 'annotate', '--overwrite', 'job', job.metadata.name, `${annotation}=${text}`)
    await untilReady(ns, 'model/m', 'False ApplyBlocked')

    await patch(ns, 'model/m', { suspend: true })
    const says = await untilReady(ns, 'model/m', 'False ApplyBlocked')
    expect((await get(ns, `job/${job.metadata.name}`)).spec.suspend).toBe(false)
    const [, command = ''] = /: kubectl (annotate .*) removes it$/.exec(says) ?? []
    await asEve(ns, ...command.split(' '))
    await untilReady(ns, 'model/m', 'True Suspended')
    expect((await get(ns, `job/${job.metadata.name}`)).spec.suspend).toBe(true)
  },
)
