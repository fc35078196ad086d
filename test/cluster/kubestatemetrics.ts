import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { parse, stringify } from 'yaml'
import { findKubeStateMetrics } from '../../platform/binaries/find.ts'
import { freePorts } from '../../platform/ports.ts'
import { endProcess, launch, waitUntil } from '../../platform/processes.ts'
import { ok, type Shown } from './cluster.ts'
import { answers } from './prometheus.ts'

const account = 'kube-state-metrics'

/** What its own chart grants it; everything else is granted by ours. */
const mayReadDeployments = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: account },
    rules: [{ apiGroups: ['apps'], resources: ['deployments'], verbs: ['list', 'watch'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: account },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
    subjects: [{ kind: 'ServiceAccount', name: account }],
  },
]

/**
 * kube-state-metrics with the configuration and the rights that the chart gives it in a namespace, about
 * the objects of that namespace.
 */
export async function startKubeStateMetrics(ns: string, fromChart: readonly Shown[]) {
  const { dir } = inject('cluster')
  const file = await findKubeStateMetrics({ progress: console.log })
  const objects = [...fromChart, ...mayReadDeployments]
  await ok(
    ['-n', ns, 'apply', '-f', '-'],
    objects.map((one) => JSON.stringify(one)).join('\n---\n'),
  )
  const config = join(dir, 'kubestatemetrics.yaml')
  const { data } = fromChart.find(({ kind }) => kind === 'ConfigMap')
  writeFileSync(config, data['config.yaml'])
  const [port, own] = await freePorts(2)
  const process = launch({
    dir,
    name: account,
    file,
    args: [
      `--kubeconfig=${kubeconfigOf(`system:serviceaccount:${ns}:${account}`)}`,
      `--custom-resource-state-config-file=${config}`,
      `--namespaces=${ns}`,
      '--resources=deployments',
      ...['--host=127.0.0.1', `--port=${port}`],
      ...['--telemetry-host=127.0.0.1', `--telemetry-port=${own}`],
    ],
  })
  const address = `127.0.0.1:${port}`
  await waitUntil(dir, process, () => answers(`http://${address}/healthz`))
  return { address, end: () => endProcess(process) }
}

/** A kubeconfig that impersonates a ServiceAccount. */
function kubeconfigOf(user: string): string {
  const { dir, kubeconfig } = inject('cluster')
  const config = parse(readFileSync(kubeconfig, 'utf8'))
  Object.assign(config.users[0].user, {
    as: user,
    'as-groups': ['system:serviceaccounts', 'system:authenticated'],
  })
  const path = join(dir, `${account}.kubeconfig`)
  writeFileSync(path, stringify(config), { mode: 0o600 })
  return path
}
