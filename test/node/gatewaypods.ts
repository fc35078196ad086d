import { inject } from 'vitest'
import { findHelm } from '../../platform/binaries/find.ts'
import { command } from '../../platform/command.ts'
import { nodeConfig } from '../../platform/node/nodeconfig.ts'
import { chart, home, release } from '../cluster/chart.ts'
import { get, ok, type Shown } from '../cluster/cluster.ts'

/**
 * The chart's gateway in its own Pods, with its account and policy, and the roles of users. The hooks and
 * admission stay the platform's own: chart.test.ts has those of the chart.
 */
export async function gatewayPods() {
  const helm = await findHelm({ progress: console.log })
  const { kubeconfig } = inject('cluster')
  const parts = ['gateway', 'rbac'].flatMap((name) => ['--show-only', `templates/${name}.yaml`])
  const values = [
    '--set',
    'gateway.enabled=true',
    '--set-json',
    `config=${JSON.stringify(nodeConfig)}`,
  ]
  const manifests = await command(
    helm,
    ['template', release, chart, '-n', home, ...values, ...parts],
    { env: { ...process.env, KUBECONFIG: kubeconfig } },
  )
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  const where = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: home, labels } }
  await ok(['create', '-f', '-'], JSON.stringify(where))
  const remove = async (): Promise<void> => {
    await ok(['delete', '--ignore-not-found', '-f', '-'], manifests)
    await ok(['delete', 'namespace', home])
  }
  try {
    await ok(['create', '-f', '-'], manifests)
    await ok(['-n', home, 'rollout', 'status', 'deployment/substratus-gateway', '--timeout=2m'])
    const { clusterIP } = (await get(home, 'service/substratus-gateway')).spec
    return { url: `http://${clusterIP}`, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** What the gateway's log says of the requests for a model: each line has the server that answered. */
export async function requestsFor(namespace: string, model: string): Promise<readonly Shown[]> {
  const of = ['--selector', 'app.kubernetes.io/component=gateway', '--tail=-1']
  return (await ok(['-n', home, 'logs', ...of]))
    .split('\n')
    .filter((line) => line.includes('"msg":"request"'))
    .map((line) => JSON.parse(line))
    .filter((line) => line.namespace === namespace && line.model === model)
}
