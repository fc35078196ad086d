import { labels } from '../crds/kind.ts'
import type { Child } from '../hooks/observe/protocol.ts'
import { type Attempt, attemptToken } from '../hooks/progress/address.ts'

/** The attempts that report, by their number. */

export const mostAttempts = 3000

/** The key of their addresses. */
export const benchKey = 'the key of the benchmark'

const attemptAt = (number: number): Attempt => ({
  uid: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  job: 'm-run-1',
})

export function pathAt(number: number): string {
  const { uid, job } = attemptAt(number)
  return `/progress/${uid}/${job}/${attemptToken(benchKey, { uid, job })}`
}

export function podAt(number: number): Child {
  const { uid, job } = attemptAt(number)
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `m-${number}`,
      namespace: 'default',
      labels: { [labels.parentUid]: uid, 'batch.kubernetes.io/job-name': job },
    },
    status: { phase: 'Running' },
  }
}
