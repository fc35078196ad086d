import type { RequestListener } from 'node:http'
import { json } from 'node:stream/consumers'

/** Takes reports of progress, as the server does, and remembers them. */

export interface Amount {
  readonly step: number
  readonly of?: number
}

export function receiver() {
  const heard: Amount[] = []
  const first = Promise.withResolvers<void>()
  const listener: RequestListener = async (request, response) => {
    heard.push((await json(request)) as Amount)
    first.resolve()
    response.end('{}')
  }
  return { listener, heard, first: first.promise }
}
