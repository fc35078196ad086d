import { commandLine, hashedFields, reference, specFields } from './common.ts'
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
import { object } from './schema/builders.ts'
import { idle, statusFields } from './status.ts'

export const Notebook = defineKind({
  kind: 'Notebook',
  plural: 'notebooks',
  singular: 'notebook',
  shortNames: ['nb'],
  description:
    'A Notebook is a Jupyter environment on the cluster’s hardware, opened by port-forwarding.',
  references: [
    { role: 'model', field: 'model', kind: 'Model' },
    { role: 'data', field: 'dataset', kind: 'Dataset' },
  ],
  requests: { cpu: 2, memory: 10, disk: 20 },
  spec: {
    properties: {
      ...specFields,
      ...commandLine(
        'The command, as in a container. It replaces jupyter lab and its arguments. {gpus} is the GPU count, {port} the port; with a model, {model} is its path and {name} its name; {{model}} is the literal {model}.',
        'Arguments, added to those of jupyter lab: a flag replaces the flag of that name. With a command, as in a container. {gpus}, {port}, {model} and {name} are filled in as in command.',
      ),
      model: reference('A Model to look at; mounted at /content/model.'),
      dataset: reference('A Dataset to look at; mounted at /content/data.'),
      idleTimeout: idleTimeoutOf(
        'Notebook',
        'Stops the notebook after this idle time, for instance 2h or 1h30m; default never. With a command that does not start Jupyter, it is idle while no forwarded port has a connection.',
      ),
      ...podField,
    },
    hashed: {
      ...hashedFields,
      model: 'inputs',
      dataset: 'inputs',
      idleTimeout: 'neither',
      pod: 'neither',
    },
  },
  status: object('The observed state.', {
    ...statusFields,
    idle,
  }),
  columns: [
    ...readyColumns,
    { name: 'Model', type: 'string', jsonPath: '.spec.model.name', description: 'The Model.' },
    gpuColumn,
    progressColumn,
    ...lastColumns,
  ],
})

export type NotebookSpec = SpecOf<typeof Notebook>
