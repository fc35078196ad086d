import type { Parent } from '../crds/kind.ts'
import type { Condition } from '../crds/status.ts'
import type { SyncResponse } from '../hooks/observe/protocol.ts'
import { stored } from './objects.ts'

/**
 * What kstatus concludes from an object of a kind that it does not know, by the rules of its README:
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
export function kstatus({ metadata, status }: Parent): string {
  const { observedGeneration, conditions = [] } = (status ?? {}) as {
    readonly observedGeneration?: number
    readonly conditions?: readonly Condition[]
  }
  const statusOf = (type: string) =>
    (conditions as readonly { type: string; status: string }[]).find((one) => one.type === type)
      ?.status
  if (metadata.deletionTimestamp) return 'Terminating'
  if (observedGeneration !== undefined && observedGeneration !== metadata.generation)
    return 'InProgress'
  if (statusOf('Reconciling') === 'True') return 'InProgress'
  if (statusOf('Stalled') === 'True') return 'Failed'
  return (statusOf('Ready') ?? 'True') === 'True' ? 'Current' : 'InProgress'
}

/** The object as tools see it once Metacontroller has stored the answer. */
export function shown(parent: Parent, answer: SyncResponse): Parent {
  const { status, ...object } = stored(parent, answer)
  const { generation: observedGeneration } = parent.metadata
  return { ...object, status: { ...(status as object), observedGeneration } }
}
