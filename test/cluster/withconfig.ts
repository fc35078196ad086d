import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { parse, stringify } from 'yaml'
import type { ConfigFile } from '../../crds/config.ts'
import { kill, serverReady } from './kill.ts'

async function restartServer(): Promise<void> {
  const start = await kill('server')
  start()
  await serverReady()
}

/** Runs `work` with additional configuration of the server. */
export async function withConfig(more: ConfigFile, work: () => Promise<void>): Promise<void> {
  const file = join(inject('cluster').dir, 'config.yaml')
  const before = readFileSync(file, 'utf8')
  writeFileSync(file, stringify({ ...parse(before), ...more }))
  await restartServer()
  try {
    await work()
  } finally {
    writeFileSync(file, before)
    await restartServer()
  }
}
