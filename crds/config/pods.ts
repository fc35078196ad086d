import { pod, podFieldNames } from '../podtemplate.ts'
import { choice, list, object } from '../schema/builders.ts'
import { ofEach } from './workloads.ts'

/** What the administrator adds to Pods, and which fields of spec.pod users may set. */

export const pods = object(
  'What Pods get, in the form of spec.pod: for the objects of each kind, whose own spec.pod wins, and for the builder, which builds and packages.',
  {
    ...ofEach(({ kind }) => ({ ...pod, description: `Of ${kind}s.` })),
    builder: { ...pod, description: 'Of the Jobs that build and package.' },
  },
)
export type PodsOf = 'builder' | keyof ReturnType<typeof ofEach>

export const podFields = list(
  'The fields of spec.pod that users may set; any other is refused.',
  choice('A field, for instance tolerations, volumes.csi or container.ports.', podFieldNames),
)

/**
 * Fields that affect others: an identity, a priority, reserved nodes, another scheduler, and whatever a
 * CSI driver does with the rights of the node.
 */
const denied = [
  'serviceAccountName',
  'priorityClassName',
  'tolerations',
  'schedulerName',
  'volumes.csi',
]

export const podFieldDefaults: readonly string[] = podFieldNames.filter(
  (field) => !denied.includes(field),
)
