import { bounds, visible } from './bounds.ts'
import { storageDrivers } from './config/stores.ts'
import { progress } from './progress.ts'
import { type ConditionType, conditionTypes } from './reasons.ts'
import {
  boolean,
  choice,
  integer,
  list,
  map,
  object,
  string,
  type TypeOf,
} from './schema/builders.ts'

/** The identity of an upstream result when it was used. */
export const identity = string('The identity of the result that was used.', bounds.identity)

const condition = object(
  'One fact about the object.',
  {
    type: choice(
      'Ready and Stalled describe the object; each of the others describes a stage.',
      Object.keys(conditionTypes) as ConditionType[],
    ),
    status: choice('Whether it holds.', ['True', 'False', 'Unknown']),
    reason: string('Why, in one word out of docs/reasons.md.', {
      maxLength: 64,
      pattern: '^[A-Z][A-Za-z]*$',
    }),
    message: string('Why, in a sentence.', { maxLength: 32768 }),
    lastTransitionTime: string(
      'When the status last changed, or when a time was first recorded for it.',
      bounds.time,
    ),
    observedGeneration: integer('The metadata.generation that this describes.', {
      format: 'int64',
    }),
  },
  { required: ['type', 'status', 'reason', 'message'] },
)
export type Condition = TypeOf<typeof condition>

/** A path in a result whose parts begin with a letter, a digit or "_": never a flag, `..` or a list of paths. */
const partOfPath = '[A-Za-z0-9_][A-Za-z0-9_.-]*'

/** What `seal` found out about a result that is a LoRA adapter. */
export const adapter = object(
  'What sealing found in the result, if it is a LoRA adapter.',
  {
    format: choice('Its format: that of the library peft, or GGUF, that of llama.cpp.', [
      'peft',
      'gguf',
    ]),
    rank: integer('Its largest rank.', { format: 'int32', minimum: 1 }),
    path: string(
      'Its folder (peft) or file (GGUF) in the result; absent if it is the result’s own folder.',
      {
        maxLength: 253,
        pattern: `^${partOfPath}(/${partOfPath})*$`,
      },
    ),
    base: string('The identity of the result of the base that it was trained on.', bounds.identity),
  },
  { required: ['format', 'rank'] },
)
export type Adapter = TypeOf<typeof adapter>

const record = object(
  'A finished stage. What is recorded here never runs again.',
  {
    job: string('The Job that finished it.', bounds.name),
    seal: string('The Job that sealed its result, if another one did.', bounds.name),
    node: string('The node that wrote a result that is not sealed yet.', bounds.name),
    storage: choice('The storage driver with which the result was written.', storageDrivers),
    inputs: string('The hash of its inputs.', bounds.hash),
    attempt: string(
      'For a load or run: the hash that names its artifacts folder, made from its inputs and rerun (and, in 0.1.0, its resources). For other stages: the hash of inputs, resources and rerun, which is part of the Job’s name.',
      bounds.hash,
    ),
    rerun: string('The value of substratus.ai/rerun that requested it.', bounds.annotation),
    image: string('The image that the stage made.', bounds.image),
    commit: string('The Git commit that was built.', {
      maxLength: 64,
      pattern: '^[0-9a-f]{1,64}$',
    }),
    digest: string('The digest of the artifacts’ manifest.', bounds.digest),
    bytes: integer('The size of the artifacts.', { format: 'int64', minimum: 0 }),
    omitted: object(
      'Files of the source that were not loaded, because they hold the same weights in other formats.',
      {
        files: integer('How many files.', { format: 'int64', minimum: 0 }),
        bytes: integer('Their size.', { format: 'int64', minimum: 0 }),
      },
    ),
    unsealed: object('What could not be stored with the artifacts.', {
      count: integer('How many files, links and folders.', { format: 'int64', minimum: 0 }),
      first: string('The first, and why.', { maxLength: 512 }),
    }),
    adapter,
    upstream: map(
      'The results of base and dataset that were used, by the field that names them.',
      identity,
      { maxProperties: 8 },
    ),
  },
  { required: ['job', 'inputs', 'attempt'] },
)
export type StageRecord = TypeOf<typeof record>

const former = object(
  'An earlier result.',
  {
    stages: map('The stages that made it.', record, { maxProperties: 8 }),
    url: string('Where the artifacts are.', bounds.url),
  },
  { required: ['stages', 'url'] },
)
export type Former = TypeOf<typeof former>

/** A child by kind and name, for instance Job/falcon-model-run-0a1b2c3d. */
const childId = string('A child, as KIND/NAME.', {
  maxLength: 300,
  pattern: '^[A-Z][A-Za-z]*/[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
})

/** What is known about the Pods of the current Job. */
const disruptions = object(
  'How often the current Job has lost its Pod to an eviction, a preemption or a reclaimed node, which does not count as a failure.',
  {
    job: string('The Job.', bounds.name),
    pod: string('The uid of its newest Pod.', { maxLength: 64, pattern: `^${visible}+$` }),
    since: string('When that Pod was created.', bounds.time),
    failed: integer('The value of status.failed of the Job when that Pod appeared.', {
      format: 'int32',
      minimum: 0,
    }),
    count: integer('The number of disruptions.', { format: 'int32', minimum: 0 }),
  },
  { required: ['job'] },
)
export type Disruptions = TypeOf<typeof disruptions>

/** Status fields that all kinds share. */
export const statusFields = {
  ready: boolean('The same as the condition Ready.'),
  observedGeneration: integer('The metadata.generation that the status describes.', {
    format: 'int64',
  }),
  conditions: list('Whether the object is ready, and how far each stage has come.', condition, {
    maxItems: 16,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  }),
  image: string('The image in use: given, built or packaged.', bounds.image),
  stages: map(
    'The finished stages by name: build; load, of a Dataset; run, which imports or trains a Model; package. A load or run that has ended is listed under written until its result is sealed.',
    record,
    {
      maxProperties: 8,
    },
  ),
  lastComplete: map(
    'The stages that made artifacts, while newer ones are in progress: returning to their spec runs nothing.',
    record,
    { maxProperties: 8 },
  ),
  former: list(
    'Earlier results that are still stored, the newest first. A spec that is changed back to that of one of them runs nothing.',
    former,
    { maxItems: 9 },
  ),
  finishing: string('The complete Job whose report is being read.', bounds.name),
  disruptions,
  awaited: list('The children that were requested and did not exist yet, as KIND/NAME.', childId, {
    maxItems: 16,
  }),
  awaitedSince: string('Since when the first of them has been awaited.', bounds.time),
  progress,
}

export const artifacts = object(
  'The last complete result. Objects that refer to this one use it until the next is complete.',
  {
    url: string('Where the artifacts are, for instance pvc://CLAIM/PATH.', bounds.url),
    image: string('The image that was made, or is the model.', bounds.image),
    inImage: boolean('Whether the image contains the model at /content/model.'),
    program: boolean('Whether the image contains a program; an import has only files.'),
    bytes: integer('The size of the artifacts.', { format: 'int64', minimum: 0 }),
    adapter,
    id: string(
      'The identity of the result: an object that used another one is stale.',
      bounds.identity,
    ),
  },
)
export type Artifacts = TypeOf<typeof artifacts>

/** The base, its base, and so on. */
export const bases = list(
  'The base, its base, and so on, to detect cycles.',
  string('A Model.', bounds.name),
  { maxItems: 64 },
)

/** What the status of a Notebook or ModelServer records once it was idle. */
export const idle = object('When it was last stopped for being idle, and when it was woken.', {
  container: string('The id of the container that reported it.', { maxLength: 256 }),
  opened: string('The value of substratus.ai/opened at that time.', bounds.annotation),
  since: string('When it fell asleep, the last time.', bounds.time),
  woken: string(
    'When it was woken after that: the value of substratus.ai/opened, or, if that is no time, when it was seen. Absent while it sleeps.',
    bounds.time,
  ),
  wakingSeconds: integer(
    'How many seconds passed, the last time, from waking it until it was ready.',
    {
      format: 'int64',
      minimum: 0,
    },
  ),
})
export type Idle = TypeOf<typeof idle>

export const mostAdapters = 16

/** What the status of a ModelServer says about its adapters, for the gateway. */
export const servedAdapters = list(
  'The adapters that every answering Pod has.',
  object(
    'An adapter.',
    {
      name: string('Its name.', bounds.name),
      lora: integer(
        'Its number among the adapters of llama.cpp’s server, for the field lora of a request; absent if requests select it by its name.',
        { format: 'int32', minimum: 0 },
      ),
    },
    { required: ['name'] },
  ),
  {
    maxItems: mostAdapters,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
  },
)
export type ServedAdapter = TypeOf<typeof servedAdapters>[number]

/** Revisions of one Deployment that have Pods: more than two are rare. */
const mostRevisions = 8

/** What the status of a ModelServer says about the model in its Pods, for the gateway. */
export const servedModels = list(
  'What the Pods serve, so that the gateway asks each by the name that it knows; while there are no Pods, what the last ones served.',
  object(
    'The Pods of one revision of the Deployment.',
    {
      revision: string('Their label pod-template-hash.', {
        maxLength: 63,
        pattern: '^[a-z0-9]+$',
      }),
      name: string('The name by which their program knows the model.', {
        maxLength: 256,
        pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]+$',
      }),
      model: string('Their Model, if it is known.', bounds.name),
    },
    { required: ['revision', 'name'] },
  ),
  {
    maxItems: mostRevisions,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['revision'],
  },
)
export type ServedModel = TypeOf<typeof servedModels>[number]

/** The address of a server, and the fields that `kubectl scale` and autoscalers read. */
export const serving = {
  url: string('Where the server answers inside the cluster.', bounds.url),
  replicas: integer('Pods that exist.', { format: 'int32', minimum: 0 }),
  selector: string('Selects the Pods, for kubectl scale and autoscalers.', { maxLength: 1024 }),
}
