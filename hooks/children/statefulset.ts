import type { Parent } from '../../crds/kind.ts'
import type { PodTemplate, Workload } from './manifesttypes.ts'
import { labelsOf, selectorOf } from './metadata.ts'

/** OnDelete: a changed template waits until somebody deletes the Pod, so that no kernel is killed. */
export const statefulSet = (
  parent: Parent,
  name: string,
  replicas: number,
  template: PodTemplate,
): Workload => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name, labels: labelsOf(parent, 'serve') },
  spec: {
    replicas,
    serviceName: name,
    updateStrategy: { type: 'OnDelete' },
    selector: { matchLabels: { ...selectorOf(parent), 'substratus.ai/stage': 'serve' } },
    template,
  },
})
