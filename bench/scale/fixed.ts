import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { SyncResponse } from '../../hooks/observe/protocol.ts'
import {
  aPod,
  type Child,
  childrenOf,
  completed,
  digest,
  observed,
  readyOf,
  type Seen,
  stored,
  sync,
} from '../../test/objects.ts'
import { aBenchModel, type Stages } from './workload.ts'

/**
 * The answers of a hook that does not think: those of our own hook, recorded for one Model and told by how
 * many of its Jobs have completed. For any other Model only the name is replaced, and it asks for no sync: a
 * change of a Job brings one.
 */
export interface FixedAnswers {
  /** The name of the recorded Model. */
  readonly name: string
  /** JSON, by the number of completed Jobs. */
  readonly answers: readonly string[]
}

const name = 'm-zzzzz'

export function fixedAnswers(stages: Stages, config: Config): FixedAnswers {
  const answers: string[] = []
  let parent = { ...aBenchModel(name, 'fixed', stages) } as unknown as Parent
  for (let seen: readonly Seen[] = []; ; ) {
    const answer = settled(parent, seen, config)
    const { resyncAfterSeconds: _, ...unhurried } = answer
    answers.push(JSON.stringify(unhurried))
    parent = stored(parent, answer)
    if (readyOf(answer).startsWith('True')) return { name, answers }
    if (answers.length > 10) throw new Error(`the Model is not ready: ${readyOf(answer)}`)
    seen = completedChildren(answer)
  }
}

/** What the hook answers when it sees its own status and nothing else has changed. */
function settled(parent: Parent, seen: readonly Seen[], config: Config): SyncResponse {
  let answer = sync(parent, seen, config)
  for (let last = ''; last !== JSON.stringify(answer); ) {
    last = JSON.stringify(answer)
    answer = sync(stored(parent, answer), seen, config)
  }
  return answer
}

/** The children of an answer, with every Job completed, and the Pods of the Jobs. */
function completedChildren(answer: SyncResponse): readonly Seen[] {
  const jobs = childrenOf(answer, 'Job').map((job) => observed(job, completed))
  const others = answer.children.filter(({ kind }) => kind !== 'Job')
  const bound = { phase: 'Bound', capacity: { storage: '100Gi' } }
  return [...others.map((child) => observed(child, bound)), ...jobs, ...jobs.map(endedPod)]
}

const endedPod = (job: Child): Child => {
  const message = JSON.stringify({ digest, bytes: 2 ** 30, commit: 'c'.repeat(40) })
  const containers = job.spec.template.spec.containers as readonly { readonly name: string }[]
  return aPod(job, {
    phase: 'Succeeded',
    containerStatuses: containers.map((container) => ({
      name: container.name,
      state: { terminated: { exitCode: 0, ...(container.name !== 'run' && { message }) } },
    })),
  })
}
