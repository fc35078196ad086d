import { group, version } from '../crds/kind.ts'
import type { Line, Session } from '../ui/wire.ts'
import type { Right } from './core/actions.ts'
import { keyOfRight } from './core/actions.ts'
import { whyIn } from './core/answer.ts'
import { type Failure, mayPass } from './core/failure.ts'
import type { Thing } from './core/things.ts'

/** Requests to the local part. Each carries the token, which only this page has. */

const key = 'token'

/**
 * Takes the token out of the address, so that it is in no bookmark, and keeps it for a reload; tells whether
 * there was one.
 */
export function takeToken(): boolean {
  const [, token] = /^#token=([-\w]+)$/.exec(location.hash) ?? []
  if (!token) return false
  sessionStorage.setItem(key, token)
  history.replaceState(null, '', '/#/list')
  return true
}

/** A request that was refused: what the API server or the local part said. */
export class Refused extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** No answer at all: a browser calls that "Failed to fetch". */
export const endedMessage = 'kubectl substratus ui has ended: start it again'

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = {
    authorization: `Bearer ${sessionStorage.getItem(key)}`,
    ...(init.body != null && { 'content-type': 'application/json' }),
  }
  const answer = await fetch(path, { ...init, headers }).catch(() => {
    throw new Error(endedMessage)
  })
  if (answer.ok) return answer
  throw new Refused(answer.status, whyIn(await answer.text(), answer.status))
}

const json = async <T>(path: string, init?: RequestInit): Promise<T> =>
  (await ask(path, init)).json()

export const readSession = () => json<Session>('/api/session')

/** Calls back for each piece of an answer, until it ends. */
async function pieces(answer: Response, heard: (piece: string) => void): Promise<void> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { done, value } = (await reader?.read().catch(() => {
      throw new Error('the connection was cut')
    })) ?? { done: true }
    if (value) heard(value)
    if (done) return
  }
}

/** Calls back for each line, until the local part ends or the signal. */
export async function followObjects(heard: (line: Line) => void, signal: AbortSignal) {
  let rest: string[] = []
  await pieces(await ask('/api/objects', { signal }), (piece) => {
    const [first = '', ...others] = piece.split('\n')
    rest.push(first)
    if (!others.length) return
    const lines = [rest.join(''), ...others]
    rest = [lines.pop() ?? '']
    for (const line of lines) heard(JSON.parse(line))
  })
}

const inNamespace = (namespace: string) => `/namespaces/${namespace}`

export const change = (namespace: string, plural: string, name: string, patch: object) =>
  ask(`/cluster/apis/${group}/${version}${inNamespace(namespace)}/${plural}/${name}`, {
    method: 'PATCH',
    body: JSON.stringify(patch),
  })

export const openInBrowser = (plural: string, name: string) =>
  ask(`/api/open/${plural}/${name}`, { method: 'POST' })

/**
 * Which of these rights this person has, by their keys. One that the API server refuses to check is missing.
 * If the check may succeed later, this throws.
 */
export async function allowedOf(
  namespace: string,
  name: string,
  rights: readonly Right[],
): Promise<ReadonlySet<string>> {
  const answers = await Promise.all(
    rights.map(async (right): Promise<readonly string[]> => {
      // Pods are chosen later, so their rights are asked about as a whole.
      const named = right.resource === 'pods' ? {} : { name }
      const spec = { resourceAttributes: { namespace, ...right, ...named } }
      const review = await json<{ readonly status?: { readonly allowed?: boolean } }>(
        '/cluster/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        { method: 'POST', body: JSON.stringify({ spec }) },
      ).catch((error: Failure) => {
        if (mayPass(error)) throw error
        return undefined
      })
      return review?.status?.allowed ? [keyOfRight(right)] : []
    }),
  )
  return new Set(answers.flat())
}

export interface LogOptions {
  readonly pod: string
  readonly container: string
  readonly previous: boolean
}

/** Follows a log from its last lines on. It calls back first with no text, once the log is open. */
export async function followLog(
  namespace: string,
  { pod, container, previous }: LogOptions,
  heard: (piece: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const query = new URLSearchParams({
    container,
    tailLines: '1000',
    ...(previous ? { previous: 'true' } : { follow: 'true' }),
  })
  const path = `/cluster/api/v1${inNamespace(namespace)}/pods/${pod}/log?${query}`
  const answer = await ask(path, { signal })
  heard('')
  await pieces(answer, heard)
}

export const schemaOf = (plural: string) => json<SchemaPair>(`/api/schemas/${plural}`)

type SchemaPair = Readonly<Record<'spec' | 'status', object | undefined>>

/** Asks a served model, and calls back with each piece of the stream. */
export async function chat(
  server: Thing,
  question: string,
  heard: (piece: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const answer = await ask('/v1/chat/completions', {
    method: 'POST',
    signal,
    body: JSON.stringify({
      model: server.metadata.name,
      stream: true,
      messages: [{ role: 'user', content: question }],
    }),
  })
  await pieces(answer, heard)
}
