/**
 * Conditions and reasons are closed lists. Each reason has its meaning and what to do about it, so none
 * can ship without an explanation. docs/reasons.md is generated from here.
 */

export const conditionTypes = {
  Ready: 'The object is as its spec asks: it can be used, or it is suspended or idle.',
  Stalled:
    'Ready stays False until somebody acts; the reason and message are those of Ready. Absent otherwise.',
  Built: 'The image was built from Git, or no build is needed.',
  Complete: 'The data was loaded, or the model imported or trained.',
  Packaged: 'The trained model is an image of its own.',
  Serving: 'The server or the notebook answers.',
} as const

export type ConditionType = keyof typeof conditionTypes

interface Explained {
  readonly meaning: string
  /** By kind, if the kinds differ. */
  readonly todo: string | Readonly<Record<string, string>>
  /** The command that helps, or shows more. KIND and NAME are the object's; JOB and POD those it fails in. */
  readonly command?: string
}

const nothing = 'Nothing.'

export const reasons = {
  Done: { meaning: 'The work is finished and recorded.', todo: nothing },
  Skipped: { meaning: 'There is nothing to do here; the message says why.', todo: nothing },
  Serving: { meaning: 'The server or the notebook answers.', todo: nothing },
  Pending: {
    meaning: 'The Job, Deployment or StatefulSet exists; its Pod has not started yet.',
    todo: 'Read the message: it is the scheduler’s or the kubelet’s own. With no Pod at all, kubectl describe the Job that it names.',
    command: 'kubectl describe pod POD',
  },
  Queued: {
    meaning:
      'The Job, or the Pod of a server or notebook, waits in its queue: Kueue has not admitted it yet, or has preempted it.',
    todo: 'Usually nothing. The message is Kueue’s own: other work may have to end first, or the queue may have no quota for it.',
    command: 'kubectl describe job JOB',
  },
  Building: {
    meaning: 'The image is being built from Git.',
    todo: nothing,
    command: 'kubectl substratus logs KIND NAME -f',
  },
  Loading: {
    meaning: 'Data is being loaded, or a model imported.',
    todo: nothing,
    command: 'kubectl substratus logs KIND NAME -f',
  },
  Running: {
    meaning: 'The model is being trained.',
    todo: nothing,
    command: 'kubectl substratus logs KIND NAME -f',
  },
  Sealing: {
    meaning: 'The load or run has ended; the checksums of its files are being recorded.',
    todo: nothing,
    command: 'kubectl substratus logs KIND NAME -f',
  },
  Packaging: {
    meaning: 'The trained model is being packaged as an image.',
    todo: nothing,
    command: 'kubectl substratus logs KIND NAME -f',
  },
  Starting: {
    meaning: 'The Pod runs, and does not answer yet.',
    todo: nothing,
    command: 'kubectl substratus logs KIND NAME -f',
  },
  Finishing: {
    meaning: 'The Job is complete; what it reports is being read.',
    todo: nothing,
  },
  Waiting: {
    meaning: 'A Model or Dataset that this object refers to is not ready yet.',
    todo: 'Look at the object that the message names.',
  },
  ReferenceMissing: {
    meaning: 'A Model or Dataset that this object refers to does not exist in its namespace.',
    todo: 'Create it, or correct the name.',
    command: 'kubectl substratus tree KIND NAME',
  },
  ReferenceCycle: {
    meaning: 'The base of this Model leads back to the Model itself.',
    todo: 'Give one Model of the cycle another base.',
    command: 'kubectl edit KIND NAME',
  },
  Stale: {
    meaning: 'Ready, but made from an older state of its base or dataset.',
    todo: 'To use the new one: kubectl annotate --overwrite KIND NAME substratus.ai/rerun="$(date)".',
    command: 'kubectl substratus rerun KIND NAME',
  },
  Unschedulable: {
    meaning: 'No node can take the Pod now; the message is the scheduler’s.',
    todo: 'Free or add what is missing, request less in spec.resources, or correct spec.pod.',
    command: 'kubectl describe nodes',
  },
  NodeNotReady: {
    meaning:
      'The node of the Pod does not answer, or was deleted, so the state of the Pod is unknown.',
    todo: 'Repair the node, and the Pod continues. A server starts on another node after five minutes; a Job and a notebook, which must not run twice, only once the node is deleted: kubectl delete node NAME.',
    command: 'kubectl get nodes',
  },
  VolumeUnavailable: {
    meaning:
      'A volume of the Pod cannot be attached or mounted; the message is Kubernetes’ own, from an Event of the Pod.',
    todo: 'Multi-Attach: stop the other Pod that the message names, or use storage that several nodes can mount. A Secret or ConfigMap that is not found: create it, and the kubelet tries again within two minutes.',
    command: 'kubectl describe pod POD',
  },
  ImagePullFailed: {
    meaning: 'The kubelet cannot pull an image; the message is its own.',
    todo: 'Check the image’s name, and imagePullSecrets for a private one.',
    command: 'kubectl describe pod POD',
  },
  ContainerConfigError: {
    meaning: 'A container cannot be created: most often a Secret or a key that does not exist.',
    todo: 'Create what the message names.',
    command: 'kubectl describe pod POD',
  },
  CrashLooping: {
    meaning: 'A container exits again and again; the message has its exit code and last output.',
    todo: 'kubectl logs the Pod that the message names, with --previous.',
    command: 'kubectl logs POD --previous',
  },
  OOMKilled: {
    meaning: 'A container was killed: it exceeded a memory limit, or the node ran out of memory.',
    todo: 'Raise spec.resources.memory. A load or a run then starts a new attempt in the same folder, where it finds the checkpoints of the old one.',
    command: 'kubectl edit KIND NAME',
  },
  Failed: {
    meaning: 'The Job failed; the message has the exit code and the last output.',
    todo: 'Fix the cause. kubectl delete job NAME tries only this stage again, in the same folder, and so does a changed spec.pod; any other changed spec, or a new substratus.ai/rerun, starts a new attempt.',
    command: 'kubectl substratus logs KIND NAME',
  },
  DeadlineExceeded: {
    meaning: 'The Job exceeded its deadline.',
    todo: 'For a load or a run, raise runPolicy.activeDeadlineSeconds, which starts it again. For a build or a packaging, whose deadline the administrator sets: kubectl delete job NAME tries it again.',
    command: 'kubectl edit KIND NAME',
  },
  PodRefused: {
    meaning: 'The API server refuses the Pod: a quota, Pod Security or another admission check.',
    todo: 'Read the message: it is the API server’s own.',
    command: 'kubectl get resourcequota',
  },
  PodsUnknown: {
    meaning:
      'The server’s watch of Pods has been silent for a minute, so it does not know why the work is not done. If Ready described the Pods before, it keeps that description instead.',
    todo: 'kubectl get pods shows the Pods. If this lasts, the server cannot reach the API server: see its log and /readyz.',
    command: 'kubectl get pods',
  },
  ChildMissing: {
    meaning:
      'A child was requested a minute ago and does not exist, or the claim that had the result was deleted.',
    todo: 'Most likely another object owns its name: rename or delete that one. A result that was lost with its claim: restore the claim, or set substratus.ai/rerun to a new value.',
  },
  ApplyBlocked: {
    meaning:
      'Metacontroller cannot change a child, because somebody replaced the annotation in which it records what it applied.',
    todo: 'Run the command in the message. It removes the annotation, and Metacontroller writes it again.',
  },
  StorageUnknown: {
    meaning: 'The recorded result is in a storage that the configuration does not name.',
    todo: 'Ask the administrator to list the root of that storage in storage.former. Or make the result again: kubectl annotate --overwrite KIND NAME substratus.ai/rerun="$(date)".',
    command: 'kubectl substratus rerun KIND NAME',
  },
  Suspending: {
    meaning: 'spec.suspend is true, and the running workload is being stopped.',
    todo: nothing,
  },
  Suspended: {
    meaning: 'spec.suspend is true, or a ModelServer is scaled to 0 replicas. Nothing runs.',
    todo: 'Set spec.suspend to false to resume; kubectl open does so for a notebook or a server. If a server has 0 replicas instead, raise spec.replicas.',
    command: 'kubectl substratus resume KIND NAME',
  },
  Idle: {
    meaning:
      'The notebook or the server was idle for spec.idleTimeout and was stopped; the home of a notebook remains. status.idle.since says when.',
    todo: 'To start it: kubectl open KIND NAME, or kubectl annotate --overwrite KIND NAME substratus.ai/opened="$(date -u +%FT%TZ)". A request to the gateway starts a server, too.',
    command: 'kubectl substratus open KIND NAME',
  },
  UpdatePending: {
    meaning:
      'It answers with an older Pod template: a server because only the configuration or the version of Substratus has changed, a server with adapters because one of them was not trained on the newest result of its Model, a notebook because a restart would kill its kernels.',
    todo: {
      Notebook:
        'When its kernels may end, delete its Pod with the command in the message, or suspend and resume it.',
      ModelServer:
        'If the message names adapters, it has the command that trains them again. Otherwise, it says what would change; to roll it out: kubectl annotate --overwrite KIND NAME substratus.ai/rollout="$(date)".',
    },
    command: 'kubectl substratus rollout KIND NAME',
  },
  TooLarge: {
    meaning: 'The model is larger than packaging.maxSize; it is served from storage.',
    todo: nothing,
  },
  InternalError: {
    meaning: 'A hook failed because of a bug in Substratus. The running workload is left alone.',
    todo: 'Report it, with the message and the server’s log.',
  },
  InvalidSpec: {
    meaning: 'The spec breaks a rule, most often because it is older than the rule.',
    todo: 'Correct the field that the message names.',
    command: 'kubectl edit KIND NAME',
  },
} as const satisfies Record<string, Explained>

export type Reason = keyof typeof reasons

/** What an object does while Ready has one of these reasons. With Ready=False, any other reason means trouble. */
const activities = {
  Pending: 'waiting',
  Queued: 'waiting',
  Waiting: 'waiting',
  Building: 'working',
  Loading: 'working',
  Running: 'working',
  Sealing: 'working',
  Packaging: 'working',
  Starting: 'working',
  Finishing: 'working',
  Suspending: 'stopped',
  Suspended: 'stopped',
  Idle: 'stopped',
  // It is Ready, with a result or a Pod template that is not the newest.
  Stale: 'outdated',
  UpdatePending: 'outdated',
} as const satisfies { readonly [reason in Reason]?: string }

type Activity = (typeof activities)[keyof typeof activities]

/** Undefined for trouble, for a finished object, and for a reason of another version. */
export const activityOf = (reason: string): Activity | undefined =>
  Object.hasOwn(activities, reason) ? activities[reason as keyof typeof activities] : undefined

/** What a reason means; undefined for one of another version. */
export const explained = (reason: string): Explained | undefined =>
  Object.hasOwn(reasons, reason) ? reasons[reason as Reason] : undefined

/** The names that replace the placeholders in advice. */
export interface Names {
  readonly kind: string
  readonly name: string
  /** The Job that failed, and the node of its Pod, if they are known. */
  readonly job?: string | undefined
  readonly node?: string | undefined
}

/** What to do about a reason, with the real names; undefined if there is nothing to do. */
export function adviceFor(reason: string, { kind, name, job, node }: Names): string | undefined {
  const given = explained(reason)?.todo
  const todo = typeof given === 'object' ? given[kind] : given
  if (!todo || todo === nothing) return undefined
  return todo
    .replaceAll('KIND NAME', `${kind.toLowerCase()} ${name}`)
    .replaceAll('job NAME', `job ${job ?? 'NAME'}`)
    .replaceAll('node NAME', `node ${node ?? 'NAME'}`)
}
