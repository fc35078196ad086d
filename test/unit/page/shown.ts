import type { Condition, Job, Pod, Thing } from '../../../page/core/things.ts'

/** Objects as the page gets them, with only what a case is about. */

export const aThing = (
  kind: string,
  name: string,
  fields: Omit<Partial<Thing>, 'kind'> = {},
): Thing => ({
  kind,
  ...fields,
  metadata: { name, uid: `${kind}-${name}`, ...fields.metadata },
})

export const aCondition = (
  type: string,
  status: 'True' | 'False',
  reason: string,
  message = '',
): Condition => ({ type, status, reason, message })

export const kinds = [
  { kind: 'Dataset', plural: 'datasets', singular: 'dataset', references: [] },
  {
    kind: 'Model',
    plural: 'models',
    singular: 'model',
    references: [
      { field: 'model', kind: 'Model' },
      { field: 'dataset', kind: 'Dataset' },
    ],
  },
  {
    kind: 'ModelServer',
    plural: 'modelservers',
    singular: 'modelserver',
    references: [
      { field: 'model', kind: 'Model' },
      { field: 'adapters', kind: 'Model' },
    ],
  },
] as const

export const session = { namespace: 'team', context: 'here', kinds }

const metadataOf = (of: Thing, stage: string, made: string | undefined, uid?: string) => ({
  creationTimestamp: made ?? '2026-11-27T10:00:00Z',
  labels: {
    'substratus.ai/kind': of.kind.toLowerCase(),
    'substratus.ai/name': of.metadata.name,
    'substratus.ai/stage': stage,
    'substratus.ai/parent-uid': uid ?? of.metadata.uid ?? '',
  },
})

export const aJob = (
  of: Thing,
  stage: string,
  fields: Omit<Job, 'metadata'> & { readonly made?: string; readonly uid?: string } = {},
): Job => ({
  metadata: {
    name: `${of.metadata.name}-${stage}`,
    uid: `job-${stage}`,
    ...metadataOf(of, stage, fields.made, fields.uid),
  },
  ...(fields.spec && { spec: fields.spec }),
  ...(fields.status && { status: fields.status }),
})

export const aPod = (
  of: Thing,
  stage: string,
  fields: {
    readonly made?: string
    readonly spec?: Pod['spec']
    readonly status?: Pod['status']
  } = {},
): Pod => ({
  metadata: { name: `${of.metadata.name}-${stage}-1`, ...metadataOf(of, stage, fields.made) },
  spec: fields.spec ?? { nodeName: 'gpu-7' },
  ...(fields.status && { status: fields.status }),
})
