import { isObject } from '../../crds/schema/json.ts'
import { type Adapter, adapter as adapterSchema, type StageRecord } from '../../crds/status.ts'
import { cutAt, printable } from '../../crds/text.ts'
import type { ContainerStatus, Job, Pod } from '../children/manifesttypes.ts'
import { podsOf } from './diagnosis.ts'
import { prune } from './prune.ts'

/** What a Job's last container reported: JSON, or a bare digest; undefined when it cannot be read. */
export interface Report {
  readonly digest?: string
  readonly commit?: string
  readonly bytes?: number
  readonly unsealed?: NonNullable<StageRecord['unsealed']>
  readonly adapter?: Adapter
  /** The user's container can report it too: it is trusted only from the loader. */
  readonly omitted?: NonNullable<StageRecord['omitted']>
}

export function reportOf(job: Job, pods: readonly Pod[]): Report | undefined {
  for (const pod of podsOf(job, pods)) {
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
    for (const status of containerStatuses) {
      const report = parsed(wordsOf(status))
      if (report) return { ...report, ...omittedIn([...initContainerStatuses, status]) }
    }
  }
  return undefined
}

/**
 * What a Job reported whose result is sealed later. Its container may be the user's, so nothing in the
 * report is taken for the digest or the size of the result.
 */
export const loaderReportOf = (job: Job, pods: readonly Pod[]): Pick<Report, 'omitted'> =>
  omittedIn(podsOf(job, pods).flatMap(({ status }) => status?.containerStatuses ?? []))

/** The termination message of a container that succeeded. */
function wordsOf({ state }: ContainerStatus): string {
  const { exitCode, message } = state?.terminated ?? {}
  return exitCode === 0 && message ? message.trim() : ''
}

function omittedIn(before: readonly ContainerStatus[]): Pick<Report, 'omitted'> {
  for (const status of before) {
    const words = wordsOf(status)
    if (!words.startsWith('{')) continue
    try {
      // Most reports omit nothing, and an exception would cost more than all else here.
      const { files, bytes } = JSON.parse(words).omitted ?? {}
      if (isCount(files) && isCount(bytes)) return { omitted: { files, bytes } }
    } catch {
      // Another container, or a loader of an earlier release, writes something else or nothing.
    }
  }
  return {}
}

function parsed(message: string): Report | undefined {
  if (isDigest(message)) return { digest: message }
  try {
    const { digest, commit, bytes, unsealed, adapter } = JSON.parse(message)
    if (!isDigest(digest)) return undefined
    return {
      digest,
      ...(isText(commit, /^[0-9a-f]{1,64}$/) && { commit }),
      ...(isCount(bytes) && { bytes }),
      ...unsealedIn(unsealed),
      ...adapterIn(adapter),
    }
  } catch {
    return undefined
  }
}

/** Its words come from the user's files: only what the schema of the status allows is used. */
function adapterIn(value: unknown): Pick<Report, 'adapter'> {
  const { base: _, ...adapter } = (prune(adapterSchema, value) ?? {}) as Adapter
  return adapter.format && adapter.rank ? { adapter } : {}
}

/** It quotes names from the user's container, which may contain anything. */
function unsealedIn(value: unknown): Pick<Report, 'unsealed'> {
  const { count, first } = isObject(value) ? value : {}
  if (!isCount(count) || typeof first !== 'string') return {}
  return { unsealed: { count, first: cutAt(printable(first), 500) } }
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const isText = (value: unknown, form: RegExp): value is string =>
  typeof value === 'string' && form.test(value)

const isDigest = (value: unknown): value is string => isText(value, /^sha256:[0-9a-f]{64}$/)
