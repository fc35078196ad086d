import type { Parent } from '../crds/kind.ts'
import { fitted, hash } from '../crds/names.ts'
import { activityOf } from '../crds/reasons.ts'
import type { Condition } from '../crds/status.ts'
import { cutAt } from '../crds/text.ts'

/** An Event of the API group v1 without its times. */
export interface NewEvent {
  readonly apiVersion: 'v1'
  readonly kind: 'Event'
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly involvedObject: {
    readonly apiVersion: string
    readonly kind: string
    readonly namespace: string
    readonly name: string
    readonly uid: string
    readonly resourceVersion: string
  }
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  readonly source: { readonly component: 'substratus' }
  readonly reportingComponent: 'substratus'
}

/** The API server refuses longer messages from some clients. */
const longestMessage = 1024

/**
 * The Event that reports a change of Ready's status or reason from the stored status to the response, if
 * there is one. Its name is made from the stored version, so that the same request gives the same
 * name in every replica, and the API server creates the Event only once.
 */
export function readyEvent(parent: Parent, status: unknown): NewEvent | undefined {
  const { namespace, name, uid, resourceVersion, deletionTimestamp } = parent.metadata as Stored
  const [before, after] = [readyIn(parent.status), readyIn(status)]
  if (!namespace || !uid || !resourceVersion || deletionTimestamp || !after) return undefined
  if (before?.status === after.status && before.reason === after.reason) return undefined
  // Its children have Events of their own.
  if (!before && after.reason === 'Pending') return undefined
  const { apiVersion, kind } = parent
  const key = hash([uid, resourceVersion, after.status, after.reason])
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: fitted(name, `.${key}`, 253), namespace },
    involvedObject: { apiVersion, kind, namespace, name, uid, resourceVersion },
    type: isNormal(after) ? 'Normal' : 'Warning',
    reason: after.reason,
    message: cutAt(after.message, longestMessage - 1),
    source: { component: 'substratus' },
    reportingComponent: 'substratus',
  }
}

/** Steps of the work, and what somebody asked for, are normal while Ready is False. */
const isNormal = ({ status, reason }: Condition): boolean =>
  status === 'True' || ['waiting', 'working', 'stopped'].includes(activityOf(reason) ?? '')

type Stored = Parent['metadata'] & {
  readonly resourceVersion?: string
  readonly deletionTimestamp?: string
}

/** Others may have written the stored status, so it may have any form. */
function readyIn(status: unknown): Condition | undefined {
  const { conditions } = (status ?? {}) as { readonly conditions?: unknown }
  if (!Array.isArray(conditions)) return undefined
  return conditions.find((condition) => condition?.type === 'Ready')
}
