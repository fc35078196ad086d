import type { KindName } from './kinds.ts'
import {
  type CelRule,
  object,
  type Properties,
  type Schema,
  type TypeOf,
} from './schema/builders.ts'

export type { KindName }

/** A reference from one of our objects to another: its role, the field that names it, and its kind. */
export interface ReferenceField {
  readonly role: string
  /** The spec field that contains `{name}`. */
  readonly field: 'model' | 'dataset'
  readonly kind: 'Model' | 'Dataset'
}

/** A field of the spec that lists references: `[{name}]`. */
export interface ReferenceList {
  readonly field: 'adapters'
  readonly kind: 'Model'
}

export type HashPart = 'inputs' | 'attempt' | 'neither'

/** Cores, and gibibytes. */
export interface Requests {
  readonly cpu: number
  readonly memory: number
  readonly disk?: number
}

export interface Column {
  readonly name: string
  readonly type: 'string' | 'integer' | 'date'
  readonly jsonPath: string
  readonly description: string
  /** 1: only with -o wide. */
  readonly priority?: 1
}

export interface Kind<S = unknown, T = unknown, N extends string = KindName> {
  readonly kind: N
  readonly plural: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly description: string
  readonly spec: Schema<S>
  readonly status: Schema<T>
  /** Rules about the whole object; they see metadata.name. */
  readonly rules: readonly CelRule[]
  readonly columns: readonly Column[]
  readonly references: readonly ReferenceField[]
  readonly referenceLists?: readonly ReferenceList[]
  /** Which hash of a load or a run each field of the spec is part of; see hooks/engine/hashes.ts. */
  readonly hashed: Readonly<Record<string, HashPart>>
  /** What its containers request, unless the spec or the configuration says otherwise. */
  readonly requests: Requests
  readonly scale?: {
    readonly specReplicasPath: string
    readonly statusReplicasPath: string
    readonly labelSelectorPath: string
  }
}

export const group = 'substratus.ai'
export const version = 'v1'
export const apiVersion = `${group}/${version}`

/** Labels and annotations that users and our own parts share. */
export const labels = {
  parentUid: `${group}/parent-uid`,
  kind: `${group}/kind`,
  name: `${group}/name`,
  stage: `${group}/stage`,
} as const
export const annotations = {
  rerun: `${group}/rerun`,
  rollout: `${group}/rollout`,
  opened: `${group}/opened`,
  idle: `${group}/idle`,
  params: `${group}/params`,
  lost: `${group}/lost`,
  adapters: `${group}/adapters`,
} as const

/** An object as the API server stores it. */
export interface Parent<S = unknown, T = unknown> {
  readonly apiVersion: string
  readonly kind: KindName
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly generation?: number
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
  readonly spec: S
  readonly status?: T
}

export type SpecOf<K> = K extends Kind<infer S, unknown, string> ? S : never

export const readyColumns: readonly Column[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].status',
    description: 'Whether it can be used.',
  },
  {
    name: 'Reason',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].reason',
    description: 'Why, in one word.',
  },
]

export const gpuColumn: Column = {
  name: 'GPU',
  type: 'string',
  jsonPath: '.spec.resources.gpu.type',
  description: 'The GPU profile.',
}

export const progressColumn: Column = {
  name: 'Progress',
  type: 'string',
  jsonPath: '.status.progress.summary',
  description: 'How far the current stage has come, if it reports that.',
}

export const lastColumns: readonly Column[] = [
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Its age.' },
  {
    name: 'Message',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].message',
    description: 'Why, in a sentence.',
  },
  {
    name: 'Image',
    type: 'string',
    jsonPath: '.status.image',
    description: 'The image in use.',
    priority: 1,
  },
]

/**
 * Services, labels and Pod names are derived from the name: at most 50 characters leave room for a
 * suffix within Kubernetes' limit of 63.
 */
const nameRules: readonly CelRule[] = [
  {
    rule: "self.metadata.name.size() <= 50 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    message:
      'metadata.name: must be at most 50 characters out of a-z, 0-9 and "-", beginning and ending with a letter or digit',
    reads: ['metadata.name'],
  },
]

export function defineKind<
  const N extends string,
  P extends Properties,
  R extends keyof P & string,
  T,
>(
  kind: Omit<Kind<unknown, unknown, N>, 'spec' | 'status' | 'rules' | 'hashed'> & {
    readonly spec: {
      readonly properties: P
      readonly required?: readonly R[]
      /** The type checker finds a field that is missing here. */
      readonly hashed: Readonly<Record<keyof P, HashPart>>
      readonly rules?: readonly CelRule[]
    }
    /** Rules about the whole object, beside those on its name. */
    readonly rules?: readonly CelRule[]
    readonly status: Schema<T>
  },
): Kind<TypeOf<ReturnType<typeof object<P, R>>>, T, N> {
  const { properties, required, hashed, rules } = kind.spec
  return {
    ...kind,
    hashed,
    rules: [...nameRules, ...(kind.rules ?? [])],
    spec: object('The desired state.', properties, {
      ...(required && { required }),
      ...(rules?.length && { 'x-kubernetes-validations': rules }),
    }),
  }
}
