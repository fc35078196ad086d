import type { Parent } from '../../crds/kind.ts'
import type { ChildKind } from './childkind.ts'
import type { DeploymentStrategy, PodTemplate, Workload } from './manifesttypes.ts'
import { annotationsOf, labelsOf, selectorOf } from './metadata.ts'

export const deployments: ChildKind = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  resource: 'deployments',
}

/**
 * RollingUpdate is spelled out: Metacontroller removes only fields that it applied, and the API server
 * refuses rollingUpdate together with Recreate. Weights take long to load, so a rollout counts as stuck
 * only after two hours.
 */
export const deployment = (
  parent: Parent,
  name: string,
  replicas: number,
  strategy: DeploymentStrategy,
  template: PodTemplate,
): Workload => ({
  apiVersion: deployments.apiVersion,
  kind: deployments.kind,
  metadata: { name, labels: labelsOf(parent, 'serve'), ...userAnnotations(parent) },
  spec: {
    replicas,
    progressDeadlineSeconds: 7200,
    strategy,
    selector: { matchLabels: { ...selectorOf(parent), 'substratus.ai/stage': 'serve' } },
    template,
  },
})

const userAnnotations = (parent: Parent) => {
  const annotations = annotationsOf(parent)
  return Object.keys(annotations).length ? { annotations } : {}
}
