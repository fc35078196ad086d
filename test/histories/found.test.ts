import { test } from 'vitest'
import type { Action } from './actions.ts'
import type { ConfigurationName } from './cast.ts'
import { replay } from './replay.ts'

/** Histories in which something went wrong once, as they were printed, and what must hold in them. */
interface Found {
  readonly what: string
  readonly config: ConfigurationName
  readonly history: readonly Action[]
}

const trained = { image: 'example.com/train:1', params: { epochs: 1 }, package: 'Never' }
/** Its Jobs and Pods are gone soon, so that its claim can go. */
const short = { ...trained, runPolicy: { ttlSecondsAfterFinished: 0 } }

test.each<Found>([
  {
    what: 'a load that ends after the driver has changed is recorded where it was loaded',
    config: 'standard',
    history: [
      { do: 'apply', object: 'data', spec: { source: 'https://example.com/data' } },
      { do: 'calm', rounds: 1 },
      { do: 'configure', to: 'bucket' },
    ],
  },
  {
    what: 'a result on the disk of a node comes to rest, although its Pod and its storage are gone',
    config: 'node',
    history: [
      { do: 'apply', object: 'base', spec: trained },
      { do: 'calm', rounds: 1 },
      { do: 'configure', to: 'standard' },
      { do: 'lose', kind: 'Pod', at: 0 },
    ],
  },
  {
    what: 'a result is reported as lost with its claim, although another driver is configured now',
    config: 'standard',
    history: [
      {
        do: 'apply',
        object: 'base',
        spec: { ...trained, runPolicy: { ttlSecondsAfterFinished: 0 } },
      },
      { do: 'calm', rounds: 2 },
      { do: 'configure', to: 'workspace' },
      { do: 'lose', kind: 'PersistentVolumeClaim', at: 0 },
    ],
  },
  {
    what: 'a record that no request has had is made again from its Job',
    config: 'standard',
    history: [
      { do: 'apply', object: 'data', spec: { source: 'https://example.com/data' } },
      { do: 'lag', watch: 'Dataset' },
      { do: 'calm', rounds: 2 },
      { do: 'lose', kind: 'Pod', at: 0 },
      { do: 'sync', object: 'data' },
    ],
  },
  {
    what: 'a program that runs again, as its Job was deleted before it was recorded, is sealed again',
    config: 'standard',
    history: [
      { do: 'apply', object: 'base', spec: trained },
      { do: 'calm', rounds: 1 },
      { do: 'sync', object: 'base', but: 'the status is lost' },
      { do: 'lose', kind: 'Job', at: 0 },
    ],
  },
  {
    what: 'an object that waits gets its claim once that of a deleted object of its name is gone',
    config: 'standard',
    history: [
      { do: 'apply', object: 'base', spec: trained },
      { do: 'sync', object: 'base' },
      { do: 'delete', object: 'base' },
      { do: 'apply', object: 'base', spec: { ...trained, dataset: { name: 'data' } } },
    ],
  },
  {
    what: 'a claim that another spec has created anew does not pass for the one with the result',
    config: 'standard',
    history: [
      { do: 'apply', object: 'base', spec: short },
      { do: 'calm', rounds: 4 },
      { do: 'lose', kind: 'PersistentVolumeClaim', at: 0 },
      { do: 'apply', object: 'base', spec: { ...short, params: { epochs: 2 } } },
      { do: 'calm', rounds: 3 },
      { do: 'apply', object: 'base', spec: short },
    ],
  },
  {
    what: 'a result that was lost with its claim and is recorded no longer is made again',
    config: 'threeResults',
    history: [
      { do: 'apply', object: 'base', spec: short },
      { do: 'calm', rounds: 4 },
      { do: 'lose', kind: 'PersistentVolumeClaim', at: 0 },
      { do: 'apply', object: 'base', spec: { ...short, params: { epochs: 2 } } },
      { do: 'calm', rounds: 6 },
      { do: 'apply', object: 'base', spec: short },
    ],
  },
  ...(['a', 'now'] as const).map(
    (value): Found => ({
      what: `a notebook that "${value}" has woken stays awake when the annotation is removed`,
      config: 'standard',
      history: [
        { do: 'apply', object: 'notebook', spec: { idleTimeout: '1h' } },
        { do: 'calm', rounds: 2 },
        { do: 'pod', at: 0, event: 'is idle' },
        { do: 'calm', rounds: 2 },
        { do: 'annotate', object: 'notebook', with: 'opened', value },
        { do: 'calm', rounds: 2 },
        { do: 'annotate', object: 'notebook', with: 'opened' },
      ],
    }),
  ),
])('$what', ({ history, config }) => {
  replay(history, config)
})
