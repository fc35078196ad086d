import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { FixedAnswers } from './fixed.ts'

/** A hook that answers each sync with a recorded answer. GET tells how many it has answered. */
const [cert = '', key = '', recorded = ''] = process.argv.slice(2)
const { name, answers } = JSON.parse(readFileSync(recorded, 'utf8')) as FixedAnswers
const names = new RegExp(name, 'g')
let syncs = 0

interface Request {
  readonly parent: { readonly metadata: { readonly name: string } }
  readonly children: Readonly<
    Record<string, Readonly<Record<string, { readonly status?: { readonly succeeded?: number } }>>>
  >
}

function answerTo({ parent, children }: Request): string {
  const jobs = Object.values(children['Job.batch/v1'] ?? {})
  const ended = jobs.filter(({ status }) => status?.succeeded).length
  return (answers[ended] ?? '').replace(names, parent.metadata.name)
}

const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (req, res) => {
  if (req.method === 'GET') return res.end(String(syncs))
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    syncs++
    const answer = answerTo(JSON.parse(Buffer.concat(chunks).toString()))
    res.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(answer),
    })
    res.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.once('disconnect', () => process.exit(0))
