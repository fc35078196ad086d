import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/**
 * A process that answers as a model server does, with a stream of tokens, and costs little itself. A request
 * says how many tokens it wants, and after how many milliseconds each; 0: as fast as they are taken.
 */

export interface Wanted {
  readonly tokens: number
  readonly every: number
}

/** As OpenAI's API has it: about 200 bytes. */
const token = Buffer.from(
  `data: ${JSON.stringify({
    id: 'chatcmpl-8f6d1f2c4b5a4e0b9c7d6e5f4a3b2c1d',
    object: 'chat.completion.chunk',
    created: 1700000000,
    model: 'falcon',
    choices: [{ index: 0, delta: { content: ' token' }, logprobs: null, finish_reason: null }],
  })}\n\n`,
)
const endOf = (tokens: number): string =>
  `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 400, completion_tokens: tokens } })}\n\ndata: [DONE]\n\n`

/** The streams that take tokens as fast as they can, and how many each still wants. */
const fast = new Map<ServerResponse, number>()

/** One step of the model: a token for each stream, as servers batch them. */
function step(): void {
  for (const [res, left] of fast) {
    if (res.writableNeedDrain) continue
    res.write(token)
    fast.set(res, left - 1)
    if (left > 1) continue
    fast.delete(res)
    res.end(endOf(0))
  }
  if (fast.size) setImmediate(step)
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { tokens, every } = (await json(req)) as Wanted
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  if (every === 0) {
    fast.set(res, tokens)
    res.on('close', () => fast.delete(res))
    if (fast.size === 1) setImmediate(step)
    return
  }
  let sent = 1
  res.write(token)
  const writing = setInterval(() => {
    if (sent++ < tokens) return res.write(token)
    clearInterval(writing)
    return res.end(endOf(tokens))
  }, every)
  res.on('close', () => clearInterval(writing))
}

const server = createServer((req, res) => void answer(req, res).catch(() => res.destroy()))
// No connection that a proxy keeps is closed under a request.
server.keepAliveTimeout = 95_000
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit(0))
