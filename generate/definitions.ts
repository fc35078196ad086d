import { health } from '../crds/health.ts'
import { apiVersion, group, type Kind, version } from '../crds/kind.ts'
import { conditionTypes, explained, type Reason, reasons } from '../crds/reasons.ts'
import {
  type CelRule,
  isChoiceOrObject,
  object,
  type Schema,
  sharedAs,
  string,
} from '../crds/schema/builders.ts'
import { jsonSchema } from '../crds/schema/validator.ts'

/** What is generated from the kinds: CRDs, schemas for editors, and the reference docs. */

/**
 * A rule as the API server evaluates it. A rule that lists what it reads applies only if that is new or
 * has changed. The API server itself skips unchanged values, but node by node, and a whole object changes
 * with every status write.
 */
export const storedRule = ({ reads, ...rule }: CelRule) => {
  if (!reads) return rule
  // The name of an object cannot change.
  const same = reads.filter((path) => path !== 'metadata.name').map(isSame)
  return {
    ...rule,
    rule: `(${['oldSelf.hasValue()', ...same].join(' && ')}) || (${rule.rule})`,
    optionalOldSelf: true,
  }
}

/**
 * The API server uses the limits of a value's schema only if the path from self has no optional steps.
 * With optional steps, it estimates that the rule costs too much.
 */
function isSame(path: string): string {
  const old = 'oldSelf.value()'
  if (path.endsWith('?'))
    return `has(self.${path.slice(0, -1)}) == has(${old}.${path.slice(0, -1)})`
  const steps = path.split('.').map((_, index, all) => all.slice(0, index + 1).join('.'))
  const present = (self: string) => steps.map((step) => `has(${self}.${step})`)
  return [...present('self'), ...present(old), `self.${path} == ${old}.${path}`].join(' && ')
}

/** A schema with all its rules as the API server evaluates them. */
function stored(explained: Schema): Schema {
  const schema = withPatternRule(explained)
  const { properties, 'x-kubernetes-validations': rules } = schema
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, stored(field)]),
      ),
    }),
    ...(rules && { 'x-kubernetes-validations': rules.map(storedRule) }),
  }
}

/**
 * Without the descriptions of a list's items and a map's values: kubectl explain appends them to the
 * description of the list or map, which is complete without them.
 */
function toExplain(schema: Schema): Schema {
  const { properties, items, additionalProperties } = schema
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, toExplain(field)]),
      ),
    }),
    ...(additionalProperties && { additionalProperties: undescribed(additionalProperties) }),
    ...(items && { items: undescribed(items) }),
  }
}

const undescribed = (schema: Schema): Schema => {
  const { description: _, ...rest } = toExplain(schema)
  return rest as Schema
}

/** A pattern with a message as a CEL rule. The API server checks patterns first, and would say only "should match". */
function withPatternRule(schema: Schema): Schema {
  const { pattern = '', patternErrorMessage: message, ...rest } = schema
  if (!message) return schema
  const matches = `self.matches('${pattern.replaceAll('\\', '\\\\')}')`
  const rule = rest.type === 'string' ? matches : `type(self) != string || ${matches}`
  return {
    ...rest,
    'x-kubernetes-validations': [{ rule, message }, ...(rest['x-kubernetes-validations'] ?? [])],
  }
}

/**
 * The status of an object that no controller has looked at yet. Without it, kstatus considers a new object
 * Current, and `helm --wait` ends at once.
 */
const unseen = { observedGeneration: -1 }

/** The kind as a CustomResourceDefinition. */
export const customResourceDefinition = (kind: Kind) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: {
      kind: kind.kind,
      listKind: `${kind.kind}List`,
      plural: kind.plural,
      singular: kind.singular,
      shortNames: kind.shortNames.length ? kind.shortNames : undefined,
      categories: ['ai'],
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {}, ...(kind.scale && { scale: kind.scale }) },
        additionalPrinterColumns: kind.columns,
        // A deletion asks which objects refer to the deleted one.
        ...(kind.references.length && {
          selectableFields: kind.references.map(({ field }) => ({
            jsonPath: `.spec.${field}.name`,
          })),
        }),
        schema: {
          openAPIV3Schema: {
            description: kind.description,
            type: 'object',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: toExplain(stored(kind.spec)),
              status: { ...toExplain(kind.status), default: unseen },
            },
            'x-kubernetes-validations': kind.rules.map(storedRule),
          },
        },
      },
    ],
  },
})

/** JSON Schema of whole manifests, for editors. */
export const editorSchema = (kind: Kind) => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  $comment: 'Generated by npm run generate; do not edit.',
  title: kind.kind,
  ...jsonSchema(
    object(
      kind.description,
      {
        apiVersion: string('The API version.', { enum: [apiVersion] }),
        kind: string('The kind.', { enum: [kind.kind] }),
        metadata: { description: 'Name, labels, annotations.', type: 'object' },
        spec: kind.spec,
        status: kind.status,
      },
      { required: ['apiVersion', 'kind', 'metadata', 'spec'] },
    ),
  ),
})

export const typeName = (schema: Schema): string => {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' or ')
  if (isChoiceOrObject(schema)) return 'string or object'
  if (schema['x-kubernetes-int-or-string']) return 'integer or string'
  if (schema.items) return `list of ${typeName(schema.items)}`
  if (schema.additionalProperties) return `map of ${typeName(schema.additionalProperties)}`
  return schema.type ?? 'any'
}

export const cell = (text: string): string => text.replaceAll('|', '\\|')

const chapter = ({ [sharedAs]: name }: Schema): string =>
  name ? ` See [spec.${name}](#spec${name}).` : ''

function* rows(schema: Schema, path: string): Iterable<string> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const here = `${path}.${name}`
    const required = schema.required?.includes(name) ? ' **Required.**' : ''
    const standard = field.default === undefined ? '' : ` Default: \`${field.default}\`.`
    yield `| \`${here}\` | ${cell(typeName(field))} | ${cell(field.description)}${chapter(field)}${standard}${required} |`
    // A shared schema has a chapter of its own.
    if (field[sharedAs]) continue
    yield* rows(field, here)
    if (field.items?.properties) yield* rows(field.items, `${here}[]`)
    if (field.additionalProperties?.properties)
      yield* rows(field.additionalProperties, `${here}.NAME`)
  }
}

export const table = (schema: Schema, path: string): string =>
  ['| field | type | meaning |', '|---|---|---|', ...rows(schema, path)].join('\n')

const generated = '<!-- Generated by npm run generate; do not edit. -->'

/** The others are for `why`, which knows the names of Pods and Jobs. */
const pluginCommand = (reason: string): string => {
  const { command = '' } = explained(reason) ?? {}
  return command.startsWith('kubectl substratus') ? ` Command: \`${command}\`.` : ''
}

const todoWords = (todo: string | Readonly<Record<string, string>>): string =>
  typeof todo === 'string'
    ? todo
    : Object.entries(todo)
        .map(([kind, words]) => `${kind}: ${words}`)
        .join(' ')

export const reasonDocs = (): string =>
  `${[
    generated,
    '# Conditions and reasons',
    'Every kind has the condition `Ready`; its reason and message are columns of `kubectl get`.',
    'A suspended or idle object is Ready, because it is as its spec asks. Its reason is `Suspended` or `Idle`, and `Serving` or `Complete` is False. So `kubectl wait --for=condition=Ready` returns at once. To wait until a server or a notebook answers, use `--for=condition=Serving`; for a result, `--for=condition=Complete`. Objects that refer to a suspended one use its last complete result, or wait for the first.',
    [
      '| condition | meaning of True |',
      '|---|---|',
      ...Object.entries(conditionTypes).map(([type, meaning]) => `| \`${type}\` | ${meaning} |`),
    ].join('\n'),
    'The last column is what kstatus concludes, and with it Flux, `helm --wait` and, with [our health checks](operate.md#gitops-tools), Argo CD: they accept Current, wait while it is InProgress, and report an error when it is Failed. Failed means that the condition `Stalled` is True. What Kubernetes itself retries is InProgress, however often it has failed. Two cases are Failed although the table says InProgress: a stage whose Job has failed and is not retried, whatever the reason, and a result that is gone with its claim (`ChildMissing`).',
    [
      '| reason | meaning | what to do | kstatus |',
      '|---|---|---|---|',
      ...Object.entries(reasons).map(
        ([reason, { meaning, todo }]) =>
          `| \`${reason}\` | ${cell(meaning)} | ${cell(todoWords(todo))}${pluginCommand(reason)} | ${health[reason as Reason]} |`,
      ),
    ].join('\n'),
  ].join('\n\n')}\n`
