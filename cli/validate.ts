import { apiVersion, type Parent } from '../crds/kind.ts'
import { kindNamed } from '../crds/kinds.ts'
import { sentence } from '../crds/schema/validator.ts'
import { onOneLine } from '../crds/text.ts'
import { check } from '../webhooks/check.ts'
import { type Facts, referencesIn } from '../webhooks/facts.ts'
import { offlineConfig } from './configfile.ts'
import { readManifests } from './manifests.ts'

/**
 * Prints the errors and warnings that admission would report for each object. References are looked up
 * among the given objects. A missing one is only a warning, because it may be in the cluster.
 */
export function validateCommand(options: {
  readonly filename: readonly string[]
  readonly config?: string
}): number {
  const config = offlineConfig(options.config)
  const { manifests, errors, warnings } = readManifests(...options.filename)
  let refused = errors.length
  let warned = warnings.length
  const say = (line: string) => console.log(onOneLine(line))
  for (const error of errors) say(`error: ${error}`)
  for (const warning of warnings) say(`warning: ${warning}`)
  const objects = manifests.map(({ object }) => object)
  for (const { file, object, faults } of manifests) {
    const kind = kindNamed(object.kind)
    const facts = factsAmong(objects, object)
    const named = `${file}: ${object.kind} "${object.metadata.name}"`
    const findings = check(kind, { object, dryRun: true }, config, facts)
    const wrongVersion =
      object.apiVersion === apiVersion
        ? []
        : [
            {
              field: 'apiVersion',
              message: `Unsupported value: "${object.apiVersion}": supported values: "${apiVersion}"`,
            },
          ]
    const all = [...wrongVersion, ...faults, ...findings.errors]
    for (const error of all) {
      refused++
      say(`error: ${named}: ${sentence(error)}`)
    }
    for (const warning of findings.warnings) {
      warned++
      say(`warning: ${named}: ${warning}`)
    }
    if (!all.length) say(`valid: ${named}`)
  }
  if (options.config === undefined && refused + warned)
    console.error(
      'note: checked against the default configuration; --config FILE checks against that of your administrator',
    )
  return refused ? 1 : 0
}

const sameNamespace = (a: Parent, b: Parent): boolean =>
  (a.metadata.namespace ?? 'default') === (b.metadata.namespace ?? 'default')

function factsAmong(objects: readonly Parent[], object: Parent): Facts {
  const present = objects
    .filter((other) => sameNamespace(other, object))
    .map((other) => [`${other.kind}/${other.metadata.name}`, other])
  const absent = referencesIn(kindNamed(object.kind), object).map(({ kind, name }) => [
    `${kind}/${name}`,
    null,
  ])
  return Object.fromEntries([...absent, ...present])
}
