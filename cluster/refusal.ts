import { ApiException } from '@kubernetes/client-node'
import { cutAt, onOneLine } from '../crds/text.ts'
import { reasonOf } from './reason.ts'

/** An answer of the API server that is none to be glad of: its code and its own words. */
export interface Refusal {
  /** Undefined where nobody answered. */
  readonly code: number | undefined
  readonly words: string
  /** The name of the object that it speaks of. */
  readonly name: string | undefined
}

/** What the sockets throw: the client's own error forgets the body, which has the words. */
export const refused = (code: number, body: string): Error =>
  Object.assign(new Error(`HTTP ${code}`), { code, body })

export function refusalOf(error: unknown): Refusal {
  const { code, body } = error as { readonly code?: unknown; readonly body?: unknown }
  if (!(error instanceof ApiException) && typeof code !== 'number')
    return { code: undefined, words: shown(reasonOf(error)), name: undefined }
  const status = statusOf(body)
  return {
    code: Number(code),
    words: shown(String(status.message ?? '')) || `the API server answered ${code}`,
    name: status.details?.name,
  }
}

/** The message if it is a sentence; a proxy may return a whole page instead. */
const shown = (words: string): string => cutAt(onOneLine(words), 1024)

interface Status {
  readonly message?: string
  readonly details?: { readonly name?: string }
}

/** A Status object; a proxy on the way may have said something else. */
function statusOf(body: unknown): Status {
  if (typeof body === 'object' && body !== null) return body
  if (typeof body !== 'string') return {}
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? parsed : { message: String(parsed) }
  } catch {
    return { message: body.slice(0, 500) }
  }
}

/** Asking again will not help: who asks may not. */
export const isForbidden = ({ code }: Refusal): boolean => code === 401 || code === 403
