import type { Job, Pod } from '../children/manifesttypes.ts'
import { podsOf } from './diagnosis.ts'

/** What a Job's last container reported: JSON, or a bare digest; undefined when it cannot be read. */
export interface Report {
  readonly digest?: string
  readonly commit?: string
  readonly bytes?: number
}

export function reportOf(job: Job, pods: readonly Pod[]): Report | undefined {
  for (const pod of podsOf(job, pods)) {
    for (const { state } of pod.status?.containerStatuses ?? []) {
      const { exitCode, message } = state?.terminated ?? {}
      const report = exitCode === 0 && message ? parsed(message.trim()) : undefined
      if (report) return report
    }
  }
  return undefined
}

function parsed(message: string): Report | undefined {
  if (isDigest(message)) return { digest: message }
  try {
    const { digest, commit, bytes } = JSON.parse(message)
    if (!isDigest(digest)) return undefined
    return {
      digest,
      ...(isText(commit, /^[0-9a-f]{1,64}$/) && { commit }),
      ...(Number.isSafeInteger(bytes) && bytes >= 0 && { bytes }),
    }
  } catch {
    return undefined
  }
}

const isText = (value: unknown, form: RegExp): value is string =>
  typeof value === 'string' && form.test(value)

const isDigest = (value: unknown): value is string => isText(value, /^sha256:[0-9a-f]{64}$/)
