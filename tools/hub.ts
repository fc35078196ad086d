import { fileURLToPath } from 'node:url'
import { diskFull } from './report.ts'
import { lastLines } from './run.ts'
import type { Source } from './source.ts'

/** hf:// by the hub's own client, in hub.py. */

type Hub = Extract<Source, { scheme: 'hf' }>

export const hubArgs = (
  { repository, revision }: Hub,
  into: string,
  hub: string,
): readonly string[] => [
  fileURLToPath(new URL('hub.py', import.meta.url)),
  hub,
  repository,
  revision,
  into,
]

export function hubFault(said: string, { address, repository, revision }: Hub): string {
  const gated = 'accept its terms on the hub, and give HF_TOKEN in spec.env, from a Secret'
  if (/GatedRepoError/.test(said)) return `${address} is gated: ${gated}`
  if (/RepositoryNotFoundError|401 Client Error/.test(said))
    return `${repository} does not exist on the hub, or is private: then give HF_TOKEN in spec.env, from a Secret`
  if (/RevisionNotFoundError/.test(said)) return `${repository} has no revision "${revision}"`
  if (/No space left on device/.test(said)) return diskFull
  return `${address} cannot be loaded: ${lastLines(said, 1)}`
}
