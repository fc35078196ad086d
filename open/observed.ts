import { isForbidden, refusalOf } from '../cluster/refusal.ts'
import type { Objects } from './clusterobjects.ts'
import type { Opened, Pod } from './next.ts'

/** The object and its Pods as they were last observed. */
export interface Observed {
  /** Undefined once it is deleted. */
  readonly object: Opened | undefined
  /** Undefined until they are listed. */
  readonly pods: readonly Pod[] | undefined
  /** Why they cannot be observed now. */
  readonly trouble: Trouble | undefined
}

interface Trouble {
  readonly message: string
  /** Whether another try would fail too. */
  readonly isFinal: boolean
}

/** Observes an object and its Pods until the signal; `recovered` is called when a failure is over. */
export function observer(
  objects: Objects,
  first: Opened,
  recovered: () => void,
  signal: AbortSignal,
) {
  const changes = notifier()
  let observed: Observed = { object: first, pods: undefined, trouble: undefined }

  const update = (fields: Partial<Observed>) => {
    observed = { ...observed, ...fields }
    changes.notify()
  }
  const failed = (error: unknown) => update({ trouble: troubleOf(error) })
  const seen = (fields: Partial<Observed>) => {
    if (observed.trouble) recovered()
    update({ ...fields, trouble: undefined })
  }
  return {
    start: () => {
      objects.follow(
        // The response to a patch can be newer than the next event of the watch.
        (object) => seen(isOlder(object, observed.object) ? {} : { object }),
        failed,
        signal,
      )
      objects.followPods((pods) => seen({ pods }), failed, signal)
    },
    now: () => observed,
    patched: (object: Opened) => update({ object }),
    /** Resolves at the next change. */
    changed: changes.next,
    notify: changes.notify,
  }
}

function troubleOf(error: unknown): Trouble {
  const refusal = refusalOf(error)
  const message = refusal.code
    ? refusal.message
    : `the API server cannot be reached: ${refusal.message}`
  return { message, isFinal: isForbidden(refusal) }
}

const isOlder = (object: Opened | undefined, than: Opened | undefined): boolean =>
  object !== undefined && than !== undefined && versionOf(object) < versionOf(than)

/** The API server increases resource versions with each change. */
const versionOf = ({ metadata }: Opened): number =>
  Number((metadata as { readonly resourceVersion?: string }).resourceVersion ?? 0)

/** Wakes everything that awaits `next()`. */
function notifier() {
  let notify = () => {}
  let pending = new Promise<void>((resolve) => {
    notify = resolve
  })
  return {
    next: () => pending,
    notify: () => {
      notify()
      pending = new Promise<void>((resolve) => {
        notify = resolve
      })
    },
  }
}
