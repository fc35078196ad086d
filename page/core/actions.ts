import { annotations, group } from '../../crds/kind.ts'
import type { Thing } from './things.ts'

/** What a person can do to an object here: each is a patch, and `open` also a request to the local part. */

export interface Action {
  readonly name: 'suspend' | 'resume' | 'rerun' | 'rollout' | 'open'
  readonly label: string
  /** What follows; asked before anything is done that takes hours to do again. */
  readonly ask?: string
  /** The right that it needs. */
  readonly right: Right
  readonly fits: (thing: Thing) => boolean
  readonly patch?: (now: string) => object
}

export interface Right {
  readonly verb: 'patch' | 'create' | 'get'
  readonly group: string
  readonly resource: string
  readonly subresource?: string
}

const annotated = (annotation: string) => (now: string) => ({
  metadata: { annotations: { [annotation]: now } },
})

export const forwards: Right = {
  verb: 'create',
  group: '',
  resource: 'pods',
  subresource: 'portforward',
}
export const readsLogs: Right = { verb: 'get', group: '', resource: 'pods', subresource: 'log' }

const isSuspended = ({ spec }: Thing): boolean => spec?.suspend === true
const works = ({ kind }: Thing): boolean => kind === 'Model' || kind === 'Dataset'

/** In the order in which they are shown; `plural` is that of the object's kind. */
export const actionsOf = (plural: string): readonly Action[] => {
  const changes: Right = { verb: 'patch', group, resource: plural }
  return [
    {
      name: 'open',
      label: 'Open in the browser',
      right: forwards,
      fits: ({ kind }) => kind === 'ModelServer' || kind === 'Notebook',
    },
    {
      name: 'suspend',
      label: 'Suspend',
      right: changes,
      fits: (thing) => !isSuspended(thing),
      patch: () => ({ spec: { suspend: true } }),
    },
    {
      name: 'resume',
      label: 'Resume',
      right: changes,
      fits: isSuspended,
      patch: () => ({ spec: { suspend: false } }),
    },
    {
      name: 'rerun',
      label: 'Run again',
      ask: 'It starts from the beginning, in an empty folder.',
      right: changes,
      fits: works,
      patch: annotated(annotations.rerun),
    },
    {
      name: 'rollout',
      label: 'Roll out',
      ask: 'Its Pods are replaced if the configuration or the version has changed.',
      right: changes,
      fits: ({ kind }) => kind === 'ModelServer',
      patch: annotated(annotations.rollout),
    },
  ]
}

/** The rights of an object's actions and logs, each once. */
export const rightsOf = (plural: string): readonly Right[] => [
  { verb: 'patch', group, resource: plural },
  forwards,
  readsLogs,
]

export const keyOfRight = ({ verb, group, resource, subresource = '' }: Right): string =>
  [verb, group, resource, subresource].join(' ')
