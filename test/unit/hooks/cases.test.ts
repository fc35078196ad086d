import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { hooks } from '../../../hooks/hooks.ts'
import { type SyncRequest, syncRequest } from '../../../hooks/observe/protocol.ts'
import { aConfig } from '../../objects.ts'

/**
 * Complete requests and their complete answers, written to be read: they show the children of a kind
 * field by field. `vitest -u` rewrites the answers; the diff shows what an upgrade would change.
 */
const folder = join(import.meta.dirname, 'cases')
const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.request.yaml'))
  .map((file) => file.replace('.request.yaml', ''))

test.each(cases)('%s', async (name) => {
  const body = parse(readFileSync(join(folder, `${name}.request.yaml`), 'utf8'))
  const hook = hooks.find(({ kind }) => kind.kind === body.parent.kind)
  const request = syncRequest(body, body.parent.kind) as SyncRequest
  const answer = stringify(hook?.sync(request, aConfig()), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
  })
  await expect(answer).toMatchFileSnapshot(join(folder, `${name}.response.yaml`))
})
