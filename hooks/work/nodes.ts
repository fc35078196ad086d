import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { PodFields } from '../../crds/podtemplate.ts'
import type { PodSpec } from '../children/manifesttypes.ts'
import { podFieldsOf } from '../pod/podfields.ts'

/** Which nodes may run the Pods that write and seal a result. */

/** The Job that first binds a claim decides where its volume is. The administrator can restrict the nodes. */
export function nodesThatBind(
  base: Pick<PodSpec, 'nodeSelector'>,
  parent: Parent,
  config: Config,
): Pick<PodSpec, 'nodeSelector'> {
  const nodeSelector = {
    ...config.storage.pvc.nodeSelector,
    ...podFieldsOf(parent, config).nodeSelector,
    ...base.nodeSelector,
  }
  return Object.keys(nodeSelector).length ? { nodeSelector } : {}
}

/**
 * Prefers the node that wrote a result, because its volume is attached there. A result on the disk of a
 * node can be sealed only there.
 */
export function nodeThatWrote(
  node: string | undefined,
  isOnNode: boolean,
  affinity: PodFields['affinity'],
): Pick<PodSpec, 'affinity'> {
  const { requiredDuringSchedulingIgnoredDuringExecution: required } = affinity?.nodeAffinity ?? {}
  const itself = node && { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }
  const nodeAffinity =
    itself && isOnNode
      ? { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [itself] } }
      : {
          ...(required && { requiredDuringSchedulingIgnoredDuringExecution: required }),
          ...(itself && {
            preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: itself }],
          }),
        }
  return Object.keys(nodeAffinity).length ? { affinity: { nodeAffinity } } : {}
}
