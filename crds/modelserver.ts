import { commandLine, hashedFields, reference, specFields, strategy } from './common.ts'
import { idleTimeoutOf } from './idleness.ts'
import {
  defineKind,
  gpuColumn,
  lastColumns,
  progressColumn,
  readyColumns,
  type SpecOf,
} from './kind.ts'
import { podField } from './podtemplate.ts'
import { integer, list, object, string } from './schema/builders.ts'
import {
  idle,
  mostAdapters,
  servedAdapters,
  servedModels,
  serving,
  statusFields,
} from './status.ts'

export const ModelServer = defineKind({
  kind: 'ModelServer',
  plural: 'modelservers',
  singular: 'modelserver',
  shortNames: ['mserver'],
  description: 'A ModelServer answers HTTP requests with a Model.',
  references: [{ role: 'model', field: 'model', kind: 'Model' }],
  referenceLists: [{ field: 'adapters', kind: 'Model' }],
  requests: { cpu: 2, memory: 10 },
  spec: {
    properties: {
      ...specFields,
      ...commandLine(
        'The command, as in a container. It replaces a preset’s command and arguments. {model} is the path, {name} the Model’s name, {gpus} the GPU count, {port} the port; {{model}} is the literal {model}.',
        'Arguments, added to a preset’s: a flag replaces the preset’s flag of that name. Without a preset, as in a container. {model}, {name}, {gpus} and {port} are filled in as in command.',
      ),
      model: reference('The Model to serve; mounted at /content/model.'),
      adapters: list(
        'LoRA adapters to serve beside the Model: Models that were trained with it as their base. Each is mounted at /content/adapters/NAME, and the gateway serves it under its name.',
        reference('An adapter.'),
        {
          maxItems: mostAdapters,
          // The API server names one that is listed twice.
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
      ),
      // The scale subresource needs a value to start from, so the default is in the schema.
      replicas: integer('How many Pods serve.', {
        minimum: 0,
        maximum: 1000,
        default: 1,
        format: 'int32',
      }),
      port: integer('The port on which the container listens; default 8080.', {
        minimum: 1,
        maximum: 65535,
        format: 'int32',
      }),
      health: string(
        'The path that answers 200 once the server is ready; default "/", or the preset’s.',
        {
          pattern: '^/[^\\s]*$',
          maxLength: 1024,
        },
      ),
      runtime: string('One of the administrator’s server presets, for instance vllm.', {
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
        maxLength: 63,
      }),
      strategy,
      idleTimeout: idleTimeoutOf(
        'ModelServer',
        'Puts the server to sleep after this time without a request, for instance 30m or 1h30m; default never. A request to the gateway wakes it, and so does a new value of the annotation substratus.ai/opened. The metrics of the preset show whether there are requests; without them, a relay in front of the server does. Only with at most one replica.',
      ),
      aliases: list(
        'Additional names under which the gateway serves it, for instance chat or gpt-4o. Servers in a namespace that have the same alias share its requests in proportion to their ready replicas. A change restarts nothing.',
        string('A name, for instance chat or gpt-4o.', {
          pattern: '^[A-Za-z0-9]([-A-Za-z0-9._:/]*[A-Za-z0-9])?$',
          maxLength: 128,
        }),
        { maxItems: 16, 'x-kubernetes-list-type': 'set' },
      ),
      ...podField,
    },
    hashed: {
      ...hashedFields,
      model: 'inputs',
      replicas: 'neither',
      port: 'neither',
      health: 'neither',
      runtime: 'neither',
      strategy: 'neither',
      idleTimeout: 'neither',
      aliases: 'neither',
      adapters: 'neither',
      pod: 'neither',
    },
    required: ['model'],
    rules: [
      {
        rule: '!has(self.runtime) || !(has(self.image) || has(self.build))',
        message: 'runtime brings an image of its own: remove image and build, or remove runtime',
        reads: ['runtime?', 'image?', 'build?'],
      },
      {
        rule: '!has(self.idleTimeout) || !has(self.replicas) || self.replicas <= 1',
        message:
          'idleTimeout needs a server of at most one replica: set replicas to 1 or 0, or remove idleTimeout and use KEDA, which can scale several replicas to zero',
        reads: ['idleTimeout?', 'replicas'],
      },
      {
        rule: '!has(self.adapters) || self.adapters.all(one, one.name != self.model.name)',
        message:
          'the Model to serve cannot be its own adapter: list Models that were trained with it as their base',
        reads: ['adapters', 'model.name'],
      },
    ],
  },
  status: object('The observed state.', {
    ...statusFields,
    ...serving,
    idle,
    adapters: servedAdapters,
    served: servedModels,
  }),
  scale: {
    specReplicasPath: '.spec.replicas',
    statusReplicasPath: '.status.replicas',
    labelSelectorPath: '.status.selector',
  },
  columns: [
    ...readyColumns,
    { name: 'Model', type: 'string', jsonPath: '.spec.model.name', description: 'The Model.' },
    { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', description: 'Pods wanted.' },
    gpuColumn,
    progressColumn,
    ...lastColumns,
  ],
})

export type ModelServerSpec = SpecOf<typeof ModelServer>
