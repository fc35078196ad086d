import { Document } from 'yaml'
import type { Parent } from '../crds/kind.ts'
import { sentence } from '../crds/schema/validator.ts'
import type { Condition } from '../crds/status.ts'
import { onOneLine } from '../crds/text.ts'
import type { Child } from '../hooks/observe/protocol.ts'
import { offlineConfig } from './configfile.ts'
import { asKubectl } from './kubectlyaml.ts'
import { readManifests } from './manifests.ts'
import { simulate } from './simulate.ts'
import { visibleYaml } from './visibleyaml.ts'

/** Prints children as YAML, each under a comment that names its parent. */
export function renderCommand(options: {
  readonly filename: readonly string[]
  readonly now?: boolean
  readonly config?: string
}): number {
  const config = offlineConfig(options.config)
  const { manifests, errors: unreadable, warnings } = readManifests(...options.filename)
  const errors = [
    ...unreadable,
    ...manifests.flatMap(({ file, object: { kind, metadata }, faults }) =>
      faults.map((fault) => `${file}: ${kind} "${metadata.name}": ${sentence(fault)}`),
    ),
  ]
  for (const error of errors) console.error(onOneLine(`error: ${error}`))
  for (const warning of warnings) console.error(onOneLine(`warning: ${warning}`))
  const objects = manifests.map(({ object }) => object)
  const simulations = simulate(objects, config, options.now === true)
  const documents: string[] = []
  let refused = errors.length
  for (const { parent, children } of simulations) {
    const named = `${parent.kind} "${parent.metadata.name}"`
    const { status, reason, message } = readyOf(parent)
    if (reason === 'InvalidSpec') {
      refused++
      console.error(onOneLine(`error: ${named}: ${message}`))
    } else if (status !== 'True' && !options.now)
      console.error(onOneLine(`warning: ${named}: incomplete: ${message}`))
    for (const child of children) documents.push(`${comment(`of ${named}`)}${yamlOf(child)}`)
    if (!children.length && reason !== 'InvalidSpec')
      documents.push(comment(`${named} has no children${message ? `: ${message}` : ''}`))
  }
  process.stdout.write(documents.join('---\n'))
  return refused ? 1 : 0
}

/** On one line: text after a line feed would be parsed as YAML. */
const comment = (text: string): string => `# ${onOneLine(text)}\n`

const yamlOf = (child: Child): string =>
  visibleYaml(
    new Document(JSON.parse(JSON.stringify(child)), { ...asKubectl, aliasDuplicateObjects: false }),
    { directives: false },
  )

const readyOf = (parent: Parent): Partial<Condition> =>
  (parent.status as { conditions?: readonly Condition[] } | undefined)?.conditions?.find(
    ({ type }) => type === 'Ready',
  ) ?? {}
