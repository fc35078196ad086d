import { request as requestHttp } from 'node:http'
import { type RequestOptions, request as requestHttps } from 'node:https'

/** An answer other than 2xx, as an error that still knows its code. */
export type HttpError = Error & { readonly code: number; readonly retryAfter: number }

/** Sends JSON, reads JSON. */
export function exchange<T>(url: string, options: RequestOptions, body?: unknown): Promise<T> {
  const text = body === undefined ? '' : JSON.stringify(body)
  const headers = {
    ...options.headers,
    ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  }
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? requestHttps : requestHttp
    const sent = send(url, { ...options, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const said = Buffer.concat(chunks).toString()
        const code = answer.statusCode ?? 0
        if (code < 300) return resolve(JSON.parse(said) as T)
        const error = new Error(`${options.method} ${url}: ${code}: ${said.slice(0, 300)}`)
        reject(Object.assign(error, { code, retryAfter: Number(answer.headers['retry-after']) }))
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`${url} did not answer in time`)))
    sent.on('error', reject)
    sent.end(text)
  })
}

export const codeOf = (error: unknown): number | undefined => (error as Partial<HttpError>).code
