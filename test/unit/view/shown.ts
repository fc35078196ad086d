import type { KindName, Parent } from '../../../crds/kind.ts'
import type { Job, Pod } from '../../../hooks/children/manifesttypes.ts'
import type { Told } from '../../../view/causes.ts'
import type { Shown } from '../../../view/object.ts'
import { aDataset, aModel, aModelServer, aNotebook, mistyped } from '../../objects.ts'

/** Objects, Jobs, Pods and Events as the API server shows them, with only what a test is about. */

const makers = { Dataset: aDataset, Model: aModel, ModelServer: aModelServer, Notebook: aNotebook }

interface Fields {
  readonly conditions?: readonly object[]
  readonly [field: string]: unknown
}

/** `ready`: `False Waiting waiting for …`. `status` is added to it. */
export function shown(
  kind: KindName,
  name: string,
  ready?: string,
  spec: Record<string, unknown> = {},
  { conditions = [], ...status }: Fields = {},
): Shown {
  const all = [...(ready ? [condition('Ready', ready)] : []), ...conditions]
  const made: Parent = makers[kind](spec, { name, status: { ...status, conditions: all } })
  return mistyped<Shown>({
    ...made,
    metadata: { ...made.metadata, creationTimestamp: '2026-01-01T00:00:00Z' },
  })
}

export const condition = (type: string, words: string) => {
  const [status, reason, ...message] = words.split(' ')
  return { type, status, reason, message: message.join(' ') }
}

const controlledBy = (kind: string, name: string, uid: string) => ({
  ownerReferences: [{ kind, name, uid, controller: true }],
})

const labelsOf = ({ kind, metadata }: Shown, stage: string) => ({
  'substratus.ai/parent-uid': metadata.uid,
  'substratus.ai/kind': kind.toLowerCase(),
  'substratus.ai/name': metadata.name,
  'substratus.ai/stage': stage,
})

export const jobOf = (object: Shown, stage: string, name: string, more: object = {}): Job =>
  mistyped<Job>({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-of-${name}`,
      creationTimestamp: '2026-01-01T00:01:00Z',
      labels: labelsOf(object, stage),
      ...controlledBy(object.kind, object.metadata.name, `${object.metadata.uid}`),
    },
    ...more,
  })

interface PodFields {
  readonly at?: string
  readonly metadata?: object
  readonly spec?: object
  readonly status?: object
}

/** A Pod of a Job, or of a workload by its kind and name. */
export function podOf(
  object: Shown,
  stage: string,
  name: string,
  owner: Job | string,
  { at = '2026-01-01T00:02:00Z', metadata = {}, spec, status }: PodFields = {},
): Pod {
  const [kind = '', ownerName = ''] =
    typeof owner === 'string' ? owner.split('/') : ['Job', owner.metadata.name]
  return mistyped<Pod>({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-of-${name}`,
      creationTimestamp: at,
      labels: labelsOf(object, stage),
      ...controlledBy(kind, ownerName, `uid-of-${ownerName}`),
      ...metadata,
    },
    spec: { containers: [{ name: stage === 'serve' ? 'server' : 'model' }], ...spec },
    status: status ?? {
      phase: 'Running',
      containerStatuses: [
        { name: stage === 'serve' ? 'server' : 'model', ready: true, state: { running: {} } },
      ],
    },
  })
}

export const told = (
  about: { readonly kind: string; readonly metadata: { name: string; uid?: string } },
  reason: string,
  message: string,
  more: object = {},
): Told => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: `${about.metadata.name}.${reason}`, namespace: 'default' },
  involvedObject: { kind: about.kind, name: about.metadata.name, uid: about.metadata.uid },
  type: 'Warning',
  reason,
  message,
  lastTimestamp: '2026-01-01T00:03:00Z',
  ...more,
})
