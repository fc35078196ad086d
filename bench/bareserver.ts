import express from 'express'
import { cases } from './cases.ts'
import { listening } from './listening.ts'

/**
 * Bare Express routes, in a process of their own: `bareserver.ts PORT` of our server. Each route parses the
 * body and sends the response that ours has sent.
 */
const bare = express()
bare.disable('x-powered-by')
bare.disable('etag')
for (const { path, body } of cases()) {
  const answer = await fetch(`http://127.0.0.1:${process.argv[2]}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
  const same = await answer.json()
  bare.post(path, express.json({ limit: '7mb' }), (_req, res) => {
    res.json(same)
  })
}
process.send?.({ port: await listening(bare) })
process.once('disconnect', () => process.exit(0))
