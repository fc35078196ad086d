import { quoted } from '../../crds/quoted.ts'
import { cutAt, onOneLine } from '../../crds/text.ts'
import type { Server } from './servers.ts'

/** Answers other than a server's own, in the shape of OpenAI's errors, so that clients show the sentence. */
export interface Refusal {
  readonly status: number
  readonly type: string
  readonly code: string
  readonly message: string
  readonly param?: string
  /** Seconds for the header Retry-After. */
  readonly retryAfter?: number
}

/** The body of a refusal. */
export const errorOf = ({ message, type, code, param = null }: Refusal | NullParam): object => ({
  error: { message, type, param, code },
})
type NullParam = Omit<Refusal, 'param'> & { readonly param?: string | null }

const shown = (name: string): string => cutAt(onOneLine(name), 128)

const invalid = { status: 400, type: 'invalid_request_error' } as const
const unavailable = { status: 503, type: 'server_error' } as const

export const refusals = {
  malformed: (why: string): Refusal => ({
    ...invalid,
    code: 'malformed_request',
    message: `this is not a valid HTTP/1.1 request: ${why}`,
  }),
  headersTooLarge: (most: number, longestKey: number): Refusal => ({
    ...invalid,
    status: 431,
    code: 'headers_too_large',
    message: `the request line and the headers have more than ${most} bytes; of these, an API key may have ${longestKey}`,
  }),
  tooSlow: (seconds: number): Refusal => ({
    ...invalid,
    status: 408,
    code: 'request_timeout',
    message: `the request did not arrive as a whole within ${seconds} s`,
  }),
  headersTooSlow: (seconds: number): Refusal => ({
    ...invalid,
    status: 408,
    code: 'request_timeout',
    message: `the headers of the request did not arrive within ${seconds} s`,
  }),
  noHost: (): Refusal => ({
    ...invalid,
    code: 'missing_host',
    message: 'the request has no Host header, which HTTP/1.1 requires',
  }),
  unmetExpectation: (): Refusal => ({
    ...invalid,
    status: 417,
    code: 'unsupported_expectation',
    message: 'the header Expect may only be "100-continue"',
  }),
  noTunnel: (base: string): Refusal => ({
    ...invalid,
    status: 405,
    code: 'unsupported_method',
    message: `the gateway is not a proxy for CONNECT: send requests to the base address ${base}`,
  }),
  noSuchPath: (base: string): Refusal => ({
    ...invalid,
    status: 404,
    code: 'unknown_url',
    message: `no such path: the base address is ${base}`,
  }),
  badPath: (): Refusal => ({
    ...invalid,
    code: 'invalid_path',
    message:
      'the path must not contain "." or ".." segments, empty segments, backslashes, "#", or encoded dots or slashes',
  }),
  fromPage: (): Refusal => ({
    status: 403,
    type: 'permission_error',
    code: 'from_web_page',
    message:
      'web pages may not use this gateway: it answers only programs on this machine, at 127.0.0.1 or localhost',
  }),
  noModel: (): Refusal => ({
    ...invalid,
    code: 'missing_model',
    param: 'model',
    message:
      'the request names no model: set "model" in a body of type application/json or multipart/form-data',
  }),
  encodedBody: (encoding: string): Refusal => ({
    ...invalid,
    status: 415,
    code: 'unsupported_encoding',
    message: `the body has the Content-Encoding "${shown(encoding)}": send it uncompressed`,
  }),
  badBody: (why: string): Refusal => ({ ...invalid, code: 'invalid_body', message: why }),
  tooLarge: (most: number): Refusal => ({
    ...invalid,
    status: 413,
    code: 'request_too_large',
    message: `the body is larger than ${most} bytes, a limit that the administrator of the gateway can raise`,
  }),
  wrongModel: (name: string, namespace: string, near: readonly string[]): Refusal => ({
    ...invalid,
    status: 404,
    code: 'model_not_found',
    param: 'model',
    message: `no model "${shown(name)}" in namespace "${namespace}"${near.length ? `: did you mean ${quoted(near)}?` : '; GET /v1/models lists those that exist'}`,
  }),
  stopped: (servers: readonly Server[]): Refusal => ({
    ...unavailable,
    code: 'model_stopped',
    message: inWords(servers),
    retryAfter: 300,
  }),
  notReady: (servers: readonly Server[]): Refusal => ({
    ...unavailable,
    code: 'model_not_ready',
    message: inWords(servers),
    retryAfter: 30,
  }),
  tooMany: (model: string, most: number): Refusal => ({
    status: 429,
    type: 'rate_limit_error',
    code: 'too_many_requests',
    message: `model "${shown(model)}" already has ${most} requests in progress here: try again later`,
    retryAfter: 5,
  }),
  tooManyIn: (namespace: string): Refusal => ({
    status: 429,
    type: 'rate_limit_error',
    code: 'too_many_requests',
    message: `namespace "${namespace}" already has as many requests in progress here as it may: try again later`,
    retryAfter: 5,
  }),
  full: (): Refusal => ({
    ...unavailable,
    code: 'bodies_full',
    message: 'the bodies of requests in progress leave no room for this one: try again later',
    retryAfter: 10,
  }),
  noToken: (): Refusal => ({
    status: 401,
    type: 'authentication_error',
    code: 'invalid_api_key',
    message:
      'the API key is missing or not valid: create one with "kubectl substratus token SERVICEACCOUNT" or "kubectl create token SERVICEACCOUNT --audience=substratus.ai/gateway"',
  }),
  noRight: (user: string, namespace: string): Refusal => ({
    status: 403,
    type: 'permission_error',
    code: 'forbidden',
    message: `${shown(user)} may not create modelservers/proxy in namespace "${namespace}": bind a role that allows it, such as edit`,
  }),
  tooManyKeys: (): Refusal => ({
    status: 429,
    type: 'rate_limit_error',
    code: 'too_many_keys',
    message: 'too many API keys are being checked, or were refused just now: try again later',
    retryAfter: 5,
  }),
  noCheck: (why: string): Refusal => ({
    ...unavailable,
    code: 'key_not_checked',
    message: `the API key could not be checked: ${why}`,
    retryAfter: 5,
  }),
  noWake: (server: Server, why: string): Refusal => ({
    ...unavailable,
    code: 'model_not_woken',
    message: `ModelServer "${server.name}" sleeps and could not be woken: ${why}`,
    retryAfter: 30,
  }),
  unreachable: (server: Server, why: string): Refusal => ({
    status: 502,
    type: 'server_error',
    code: 'server_unreachable',
    message: `ModelServer "${server.name}" did not answer: ${why}`,
  }),
  tooLate: (server: Server, seconds: number): Refusal => ({
    status: 504,
    type: 'server_error',
    code: 'server_timeout',
    message: `ModelServer "${server.name}" did not answer within ${seconds} s`,
  }),
  starting: (): Refusal => ({
    ...unavailable,
    code: 'gateway_starting',
    message: 'the gateway does not know the ModelServers yet: try again',
    retryAfter: 5,
  }),
} as const

/** `ModelServer "a": Unschedulable: 0/3 nodes are available`, for each. */
const inWords = (servers: readonly Server[]): string =>
  cutAt(servers.map(({ name, says }) => `ModelServer "${name}": ${says}`).join('; '), 2048)
