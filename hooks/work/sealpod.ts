import type { StageRecord } from '../../crds/status.ts'
import type { Container, PodTemplate, Volume } from '../children/manifesttypes.ts'
import { labelsOf } from '../children/metadata.ts'
import type { Facts } from '../engine/read.ts'
import { gpuOf } from '../pod/gpu.ts'
import { identityFields, podFieldsOf, tolerationsOf, withMetadata } from '../pod/podfields.ts'
import { podBase, specOf, storageAnnotations } from '../pod/template.ts'
import { storageFor } from '../storage/storage.ts'
import { nodesThatBind, nodeThatWrote } from './nodes.ts'

/**
 * A Pod that seals what another has written. It may run wherever the other one could, because the volume
 * may be in a zone that has no other nodes, and as the same ServiceAccount and group, which may access the
 * storage, but it requests no GPU.
 */
export function sealPod(
  { parent, config }: Facts,
  container: Container,
  volumes: readonly Volume[],
  written: Partial<Pick<StageRecord, 'node' | 'storage'>>,
): PodTemplate {
  const fields = podFieldsOf(parent, config)
  const gpu = gpuOf(specOf(parent).resources, config).pod
  const tolerations = tolerationsOf(fields, gpu)
  const isOnNode = storageFor(written, config).isOnNode === true
  const base = podBase(parent, config)
  const annotations = {
    ...storageAnnotations(config, written.storage),
    'kubectl.kubernetes.io/default-container': 'seal',
  }
  return {
    metadata: withMetadata({ labels: labelsOf(parent, 'seal'), annotations }, fields),
    spec: {
      restartPolicy: 'Never',
      ...base,
      ...identityFields(base, fields),
      ...nodesThatBind(gpu, parent, config),
      ...(tolerations.length && { tolerations }),
      ...nodeThatWrote(written.node, isOnNode, fields.affinity),
      containers: [container],
      volumes,
    },
  }
}
