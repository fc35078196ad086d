import { cutAt, onOneLine } from '../crds/text.ts'
import { reasonOf } from './reason.ts'

/** An error response of the API server: its code and its own message. */
export interface Refusal {
  /** Undefined if there was no response. */
  readonly code: number | undefined
  readonly message: string
  /** The name of the object that the error is about. */
  readonly name: string | undefined
}

/** The error that the sockets throw. The client's own lacks the body, which contains the message. */
export const refused = (code: number, body: string): Error =>
  Object.assign(new Error(`HTTP ${code}`), { code, body })

export function refusalOf(error: unknown): Refusal {
  const { code, body } = error as { readonly code?: unknown; readonly body?: unknown }
  if (typeof code !== 'number')
    return { code: undefined, message: shown(reasonOf(error)), name: undefined }
  const status = statusOf(body)
  return {
    code,
    message: shown(String(status.message ?? '')) || `the API server answered ${code}`,
    name: status.details?.name,
  }
}

/** The message if it is a sentence; a proxy may return a whole page instead. */
const shown = (message: string): string => cutAt(onOneLine(message), 1024)

interface Status {
  readonly message?: string
  readonly details?: { readonly name?: string }
}

/** A Status object; a proxy in between may have sent something else. */
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

/** Whether the caller lacks the permission, so that a retry would not help. */
export const isForbidden = ({ code }: Refusal): boolean => code === 401 || code === 403
