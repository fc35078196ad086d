import type { Parent } from '../../crds/kind.ts'
import type { ChildKind } from './childkind.ts'
import type { PodTemplate, Workload } from './manifesttypes.ts'
import { labelsOf, selectorOf } from './metadata.ts'

export const statefulSets: ChildKind = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  resource: 'statefulsets',
}

/** OnDelete: a changed template waits until somebody deletes the Pod, so that no kernel is killed. */
export const statefulSet = (
  parent: Parent,
  name: string,
  replicas: number,
  template: PodTemplate,
): Workload => ({
  apiVersion: statefulSets.apiVersion,
  kind: statefulSets.kind,
  metadata: { name, labels: labelsOf(parent, 'serve') },
  spec: {
    replicas,
    serviceName: name,
    updateStrategy: { type: 'OnDelete' },
    selector: { matchLabels: { ...selectorOf(parent), 'substratus.ai/stage': 'serve' } },
    template,
  },
})
