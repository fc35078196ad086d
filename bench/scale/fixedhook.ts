import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../crds/config.ts'
import type { Platform } from '../../platform/platform.ts'
import { fixedAnswers } from './fixed.ts'
import { type Side, type Stages, sideLabel } from './workload.ts'

/** A process with recorded answers, and the controller that calls it. */
export interface FixedHook {
  readonly url: string
  readonly pid: number
  /** How many Jobs each Model ends with. */
  readonly jobs: number
  readonly stop: () => void
}

const controller = 'models.substratus.ai'

/** Starts it, and lets it and our own server each have the Models with their label. */
export async function startFixed(
  platform: Platform,
  stages: Stages,
  config: Config,
): Promise<FixedHook> {
  const recorded = fixedAnswers(stages, config)
  const file = join(platform.dir, 'fixed.json')
  writeFileSync(file, JSON.stringify(recorded))
  const { cert, key } = platform.pki.hooks
  const child = fork(join(import.meta.dirname, 'fixedserver.ts'), [cert, key, file])
  const [port] = (await once(child, 'message')) as [number]
  const url = `https://127.0.0.1:${port}`
  const { kubectl, pki } = platform
  const ours = JSON.parse(
    await kubectl.run(['get', 'compositecontroller', controller, '-o', 'json']),
  )
  const { parentResource, ...spec } = ours.spec
  const selecting = (side: Side) => ({
    ...parentResource,
    labelSelector: { matchLabels: { [sideLabel]: side } },
  })
  const webhook = { url, timeout: '10s', caBundle: { inline: readFileSync(pki.ca.cert, 'utf8') } }
  const composite = (name: string, spec: object) => ({
    apiVersion: ours.apiVersion,
    kind: ours.kind,
    metadata: { name },
    spec,
  })
  await kubectl.apply([
    composite(controller, { ...spec, parentResource: selecting('ours') }),
    composite('fixed.example.com', {
      ...spec,
      parentResource: selecting('fixed'),
      hooks: { sync: { version: 'v2', webhook } },
    }),
  ])
  const jobs = [...(recorded.answers.at(-1) ?? '').matchAll(/"kind":"Job"/g)].length
  return { url, pid: child.pid ?? 0, jobs, stop: () => child.disconnect() }
}
