import { stringify } from 'yaml'
import type { Parent } from '../crds/kind.ts'
import type { Condition } from '../crds/status.ts'
import { offlineConfig } from './config.ts'
import { livesOf } from './life.ts'
import { readManifests } from './manifests.ts'

/** Prints children as YAML, each under a comment that names its parent. */
export function renderCommand(options: {
  readonly filename: string
  readonly now?: boolean
  readonly config?: string
}): number {
  const config = offlineConfig(options.config)
  const { manifests, errors } = readManifests(options.filename)
  for (const error of errors) console.error(`error: ${error}`)
  const objects = manifests.map(({ object }) => object)
  const lives = livesOf(objects, config, options.now === true)
  const documents: string[] = []
  let refused = errors.length
  for (const { parent, children } of lives) {
    const named = `${parent.kind} "${parent.metadata.name}"`
    const { reason, message } = readyOf(parent)
    if (reason === 'InvalidSpec') {
      refused++
      console.error(`error: ${named}: ${message}`)
    }
    for (const child of children)
      documents.push(
        `# of ${named}\n${stringify(JSON.parse(JSON.stringify(child)), { aliasDuplicateObjects: false })}`,
      )
    if (!children.length && reason !== 'InvalidSpec')
      documents.push(`# ${named} has no children${message ? `: ${message}` : ''}\n`)
  }
  process.stdout.write(documents.join('---\n'))
  return refused ? 1 : 0
}

const readyOf = (parent: Parent): Partial<Condition> =>
  (parent.status as { conditions?: readonly Condition[] } | undefined)?.conditions?.find(
    ({ type }) => type === 'Ready',
  ) ?? {}
