import { hashedFields, reference, runPolicyField, specFields } from './common.ts'
import { files, filesOfSource } from './files.ts'
import {
  defineKind,
  gpuColumn,
  lastColumns,
  progressColumn,
  readyColumns,
  type SpecOf,
} from './kind.ts'
import { podField } from './podtemplate.ts'
import { choice, object } from './schema/builders.ts'
import { source, sourceWithoutCredentials } from './sources.ts'
import { artifacts, bases, statusFields } from './status.ts'

export const Model = defineKind({
  kind: 'Model',
  plural: 'models',
  singular: 'model',
  shortNames: [],
  description:
    'A Model is imported from a source, built from Git, or trained from a base Model and a Dataset.',
  references: [
    { role: 'base', field: 'model', kind: 'Model' },
    { role: 'data', field: 'dataset', kind: 'Dataset' },
  ],
  requests: { cpu: 2, memory: 10, disk: 100 },
  spec: {
    properties: {
      source,
      files,
      ...specFields,
      model: reference('The base: a Model to train further; mounted at /content/model.'),
      dataset: reference('The data to train on; mounted at /content/data.'),
      package: choice(
        'Whether the trained model is packaged as an image. Auto (the default): if it was trained and is not too large.',
        ['Auto', 'Always', 'Never'],
      ),
      ...podField,
      ...runPolicyField,
    },
    hashed: {
      source: 'inputs',
      files: 'inputs',
      ...hashedFields,
      model: 'inputs',
      dataset: 'inputs',
      package: 'neither',
      pod: 'neither',
      runPolicy: 'neither',
    },
    rules: [
      sourceWithoutCredentials,
      filesOfSource,
      {
        rule: '!has(self.source) || !(has(self.image) || has(self.build) || has(self.command) || has(self.args))',
        message:
          'source is loaded by an image of its own: remove image, build, command and args, or remove source',
        reads: ['source?', 'image?', 'build?', 'command?', 'args?'],
      },
      {
        rule: '!has(self.source) || !(has(self.model) || has(self.dataset))',
        message: 'a source is imported, not trained: remove model and dataset, or remove source',
        reads: ['source?', 'model?', 'dataset?'],
      },
      {
        rule: 'has(self.source) || has(self.image) || has(self.build) || has(self.model)',
        message: 'set one of source, image, build and model',
        reads: ['source?', 'image?', 'build?', 'model?'],
      },
    ],
  },
  rules: [
    {
      rule: '!has(self.spec.model) || self.spec.model.name != self.metadata.name',
      message: 'a Model cannot be its own base',
      fieldPath: '.spec.model.name',
      reads: ['metadata.name', 'spec.model.name'],
    },
  ],
  status: object('The observed state.', {
    ...statusFields,
    artifacts,
    bases,
  }),
  columns: [
    ...readyColumns,
    { name: 'Base', type: 'string', jsonPath: '.spec.model.name', description: 'The base.' },
    gpuColumn,
    progressColumn,
    ...lastColumns,
  ],
})

export type ModelSpec = SpecOf<typeof Model>
