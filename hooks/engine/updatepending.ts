import { annotations } from '../../crds/kind.ts'
import { kindWord } from '../../crds/names.ts'
import { faultyPods } from '../observe/servingpods.ts'
import { no, type Verdict, yes } from '../observe/verdict.ts'
import type { Facts } from './read.ts'

/** As many changes as a person reads: the template of another release may differ in every field. */
const mostChanges = 6

/** The verdict on a server that runs its applied template while a new one is pending. */
export function withPending(
  { parent, observed }: Facts,
  pending: readonly string[],
  verdict: Verdict,
): Verdict {
  if (!pending.length || verdict.awaits) return verdict
  const more = pending.length - mostChanges
  const changes = [...pending.slice(0, mostChanges), ...(more > 0 ? [`${more} more`] : [])]
  const message = [
    verdict.message,
    ...cannotStart(faultyPods(observed.pods('serve'))),
    `update pending: ${changes.join(', ')}: kubectl annotate --overwrite ${kindWord(parent)} ${parent.metadata.name} ${annotations.rollout}="$(date)" rolls it out`,
  ].join('; ')
  return verdict.status === 'True' ? yes('UpdatePending', message) : no(verdict.reason, message)
}

/** The verdict on a server that runs its applied template until other objects have followed. */
export function withWaiting(verdict: Verdict, outdated: string): Verdict {
  if (verdict.awaits) return verdict
  const message = `${verdict.message}; update pending: waiting for ${outdated}`
  return verdict.status === 'True' ? yes('UpdatePending', message) : no(verdict.reason, message)
}

const cannotStart = (pods: readonly string[]): readonly string[] => {
  const names = pods.map((name) => `"${name}"`).join(', ')
  if (!pods.length) return []
  return [pods.length > 1 ? `Pods ${names} cannot start` : `Pod ${names} cannot start`]
}
