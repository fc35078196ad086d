import { annotations } from '../crds/kind.ts'
import { conditionIn, type Shown, titleOf } from './object.ts'

/** What `rerun`, `suspend`, `resume` and `rollout` change, and what they say. */

export const deeds = ['rerun', 'suspend', 'resume', 'rollout'] as const
export type Deed = (typeof deeds)[number]

export interface Change {
  readonly spec?: { readonly suspend: boolean }
  readonly metadata?: { readonly annotations: Readonly<Record<string, string>> }
}

export type Doing =
  | { readonly change: Change; readonly says: string }
  /** Nothing has to be changed. */
  | { readonly already: string }
  | { readonly cannot: string }

/** `now` in RFC 3339, UTC. */
export const doingOf = (deed: Deed, object: Shown, now: string): Doing => doings[deed](object, now)

/** Why the deed changes nothing about this object; undefined if it changes something. */
export function hindranceOf(deed: Deed, object: Shown): string | undefined {
  // The time goes into the change alone.
  const doing = doingOf(deed, object, '')
  if ('change' in doing) return undefined
  return 'cannot' in doing ? doing.cannot : doing.already
}

/** The deed of a command line such as `kubectl substratus rerun model m`. */
export const deedIn = (line: string): Deed | undefined =>
  deeds.find((deed) => line.startsWith(`kubectl substratus ${deed} `))

const named = ({ kind, metadata }: Shown): string => `${kind.toLowerCase()} ${metadata.name}`
const inNamespace = ({ metadata: { namespace } }: Shown): string =>
  namespace === undefined ? '' : ` -n ${namespace}`
const command = (words: string, object: Shown): string =>
  `kubectl substratus ${words} ${named(object)}`

const annotating = (annotation: string, value: string): Change => ({
  metadata: { annotations: { [annotation]: value } },
})

const doings: Readonly<Record<Deed, (object: Shown, now: string) => Doing>> = {
  suspend: (object) => {
    const again = `${command('resume', object)} resumes it`
    if (object.spec.suspend) return { already: `${titleOf(object)} is suspended already: ${again}` }
    return {
      change: { spec: { suspend: true } },
      says: `${titleOf(object)} is suspended; what it has stored remains: ${again}`,
    }
  },

  resume: (object, now) => {
    const title = titleOf(object)
    const isIdle = conditionIn(object, 'Ready')?.reason === 'Idle'
    const { suspend, replicas } = object.spec
    const wake = isIdle ? annotating(annotations.opened, now) : {}
    if (suspend)
      return { change: { spec: { suspend: false }, ...wake }, says: `${title} is resumed` }
    if (isIdle) return { change: wake, says: `${title} was idle: it is woken` }
    if (replicas === 0)
      return {
        cannot: `${title} is not suspended but has 0 replicas: kubectl scale ${named(object)}${inNamespace(object)} --replicas=1 starts it`,
      }
    return { already: `${title} is not suspended` }
  },

  rerun: (object, now) => {
    const title = titleOf(object)
    if (hasNothingToRun(object))
      return {
        cannot: `${title} has nothing to run again: it builds nothing, and loads or trains nothing`,
      }
    const when = object.spec.suspend
      ? `once it is resumed: ${command('resume', object)}`
      : `from its first stage on: ${command('logs', object)} -f`
    return {
      change: annotating(annotations.rerun, now),
      says: `${title} runs again ${when}`,
    }
  },

  rollout: (object, now) => {
    const title = titleOf(object)
    if (object.kind === 'Notebook')
      return {
        cannot: `${title} takes a new Pod template when it starts again: ${command('suspend', object)}, then ${command('resume', object)}`,
      }
    if (object.kind !== 'ModelServer')
      return { cannot: `${title} has no Pods to replace: only a ModelServer is rolled out` }
    const { reason, message } = conditionIn(object, 'Ready') ?? {}
    if (reason !== 'UpdatePending')
      return { already: `${title} has no update pending: nothing to roll out` }
    const [, awaited] = /; update pending: waiting for (.*)$/s.exec(message ?? '') ?? []
    if (awaited) return { cannot: `${title} can be rolled out only later: it waits for ${awaited}` }
    return {
      change: annotating(annotations.rollout, now),
      says: `${title} is rolled out: ${pendingIn(message ?? '')}`,
    }
  },
}

/** Without the command of the message, which has just been obeyed. */
const pendingIn = (message: string): string => message.replace(/: kubectl annotate .*$/s, '')

/** Before the first sync, there are no conditions, and the stages are not known. */
function hasNothingToRun(object: Shown): boolean {
  const work = (['Built', 'Complete'] as const).flatMap((type) => conditionIn(object, type) ?? [])
  return work.length > 0 && work.every(({ reason }) => reason === 'Skipped')
}
