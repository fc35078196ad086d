import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { parse, stringify } from 'yaml'
import type { ConfigFile } from '../../crds/config.ts'
import { manifest, ok, until } from '../cluster/cluster.ts'
import { kill } from '../cluster/kill.ts'

const path = (): string => join(inject('cluster').dir, 'config.yaml')

/** Restarts the server with another configuration. The returned function restores the first one. */
export async function configured(change: (config: ConfigFile) => ConfigFile) {
  const before = readFileSync(path(), 'utf8')
  await startWith(stringify(change(parse(before))))
  return () => startWith(before)
}

async function startWith(text: string): Promise<void> {
  writeFileSync(path(), text)
  const start = await kill('server')
  start()
  const any = manifest('Model', 'any', { image: 'example.com/any:1' })
  await until(
    () => ok(['create', '--dry-run=server', '-f', '-'], any),
    (said) => said.includes('created'),
  )
}
