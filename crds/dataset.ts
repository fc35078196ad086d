import { hashedFields, runPolicyField, specFields } from './common.ts'
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
import { object } from './schema/builders.ts'
import { source, sourceWithoutCredentials } from './sources.ts'
import { artifacts, statusFields } from './status.ts'

export const Dataset = defineKind({
  kind: 'Dataset',
  plural: 'datasets',
  singular: 'dataset',
  shortNames: ['data'],
  description:
    'A Dataset loads data, from a source or with your code, and stores it for Models and Notebooks.',
  references: [],
  requests: { cpu: 2, memory: 10, disk: 50 },
  spec: {
    properties: { source, files, ...specFields, ...podField, ...runPolicyField },
    hashed: {
      source: 'inputs',
      files: 'inputs',
      ...hashedFields,
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
        rule: 'has(self.source) || has(self.image) || has(self.build)',
        message: 'set one of source, image and build',
        reads: ['source?', 'image?', 'build?'],
      },
    ],
  },
  status: object('The observed state.', { ...statusFields, artifacts }),
  columns: [...readyColumns, gpuColumn, progressColumn, ...lastColumns],
})

export type DatasetSpec = SpecOf<typeof Dataset>
