import { ageOf } from '../crds/duration.ts'
import { Badge } from './badge.tsx'
import { childrenOf } from './core/children.ts'
import type { Job, Pod } from './core/things.ts'

interface Props {
  readonly jobs: readonly Job[]
  readonly pods: readonly Pod[]
  readonly now: number
}

/** The Jobs and Pods that an object has now, as Kubernetes sees them. */
export function Children({ jobs, pods, now }: Props) {
  const children = childrenOf(jobs, pods)
  if (!children.length) return null
  return (
    <section aria-labelledby="children">
      <h3 id="children">Jobs and Pods</h3>
      <ul>
        {children.map(({ kind, name, tone, word, details, created }) => (
          <li key={`${kind}/${name}`}>
            {kind} <Badge tone={tone} word={word} /> <code>{name}</code>{' '}
            {[...details, ...(created ? [`created ${ageOf(created, now)} ago`] : [])].join(', ')}
          </li>
        ))}
      </ul>
    </section>
  )
}
