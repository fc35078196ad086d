import { fileURLToPath } from 'node:url'
import { untrusted } from './network.ts'
import { diskFull } from './report.ts'
import { lastLines } from './run.ts'
import type { Source } from './source.ts'

/** Loads hf:// with the hub's own client, in hub.py. */

type Hub = Extract<Source, { scheme: 'hf' }>

export const hubArgs = (
  { repository, revision }: Hub,
  into: string,
  hub: string,
  files: readonly string[],
): readonly string[] => [
  fileURLToPath(new URL('hub.py', import.meta.url)),
  hub,
  repository,
  revision,
  into,
  ...files,
]

export interface Omitted {
  readonly files: number
  readonly bytes: number
}

/** What the last line of hub.py counts: copies of the weights in other formats. */
export function omittedIn(stdout: string): Omitted | undefined {
  const [, omitted] = /^\{"omitted": (\{.*\})\}$/.exec(lastLines(stdout, 1)) ?? []
  const counted: Omitted | undefined = omitted && JSON.parse(omitted)
  return counted?.files ? counted : undefined
}

export function hubFault(output: string, { address, repository, revision }: Hub): string {
  const gated = 'accept its terms on the hub, and give HF_TOKEN in spec.env, from a Secret'
  if (/GatedRepoError/.test(output)) return `${address} is gated: ${gated}`
  if (/RepositoryNotFoundError|401 Client Error/.test(output))
    return `${repository} does not exist on the hub, or is private: then give HF_TOKEN in spec.env, from a Secret`
  if (/RevisionNotFoundError/.test(output)) return `${repository} has no revision "${revision}"`
  const [choice] = /^spec\.files: .*$/m.exec(output) ?? []
  if (choice) return choice
  if (/CERTIFICATE_VERIFY_FAILED|certificate verify failed/i.test(output))
    return `${address}: ${untrusted}`
  if (/No space left on device/.test(output)) return diskFull
  return `${address} cannot be loaded: ${lastLines(output, 1)}`
}
