import type { Config } from '../crds/config.ts'
import { fill } from '../crds/fill.ts'
import type { NodeFacts } from '../crds/imagevolumes.ts'
import type { Kind, Parent } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import { visible, visibleSchema } from '../crds/objectvalidator.ts'
import { errorOf, type IsValidPath, type RuleInput, specOf } from '../crds/rule.ts'
import { maxErrors } from '../crds/schema/brevity.ts'
import { trimmer } from '../crds/schema/trim.ts'
import {
  type FieldError,
  limited,
  sentence,
  trimmedValidator,
  unaffectedBy,
} from '../crds/schema/validator.ts'
import { appliesTo, type Facts, readerOf, serversFor } from './facts.ts'
import type { AdmissionRequest } from './review.ts'
import { admissionRules } from './rules/admission.ts'
import { deletionRules } from './rules/deletion.ts'
import { untouchedIn } from './untouched.ts'
import { type Users, usage } from './users.ts'

export interface Findings {
  readonly errors: readonly FieldError[]
  readonly warnings: readonly string[]
}

const madeFor = (kind: Kind) => {
  const schema = visibleSchema(kind)
  return { trim: trimmer(schema), validate: trimmedValidator(schema) }
}

const validators = new Map(kinds.map((kind) => [kind, madeFor(kind)]))

const validatorFor = (kind: Kind) => validators.get(kind) ?? madeFor(kind)

/** Checks all rules for one object; defaults are applied first, as mutate does. */
export function check(
  kind: Kind,
  request: Pick<AdmissionRequest, 'object' | 'oldObject' | 'dryRun' | 'username'>,
  config: Config,
  facts: Facts,
  nodes?: readonly NodeFacts[],
): Findings {
  const given = slim(request.object as Parent)
  const { trim, validate } = validatorFor(kind)
  const trimmed = trim(visible(given))
  const wrong = validate(trimmed)
  // Defaults neither cause nor repair errors, so an object with too many errors is not copied.
  const object = wrong.length > maxErrors ? given : fill(kind, given)
  const oldObject = request.oldObject ? fill(kind, slim(request.oldObject)) : undefined
  const { dryRun = false, username } = request
  const input = { object, oldObject, spec: specOf(object), config, dryRun, username, nodes }
  const found = brokenRules(input, facts, wrong.length ? unaffectedBy(wrong) : everywhere)
  const refusals = found.filter(({ warns }) => !warns).map(({ error }) => error)
  // Errors in fields that the update leaves alone must not block it: the user may want to suspend.
  const [old, fresh] = partition(
    [...wrong, ...refusals],
    untouchedIn(object, oldObject, trimmed.huge),
  )
  return {
    errors: limited(fresh),
    warnings: [
      ...limited(old).map(sentence),
      ...found.filter(({ warns }) => warns).map(({ error }) => sentence(error)),
    ],
  }
}

const everywhere = () => true

interface Found {
  readonly error: FieldError
  readonly warns: boolean
}

/** The errors of all broken rules. */
function brokenRules(
  change: Omit<RuleInput, 'read'>,
  facts: Facts,
  isValidPath: IsValidPath,
): readonly Found[] {
  const alone = { ...change, read: readerOf(undefined, change, facts) }
  const found: Found[] = []
  // A loop, for speed: every request runs all rules, and hardly any is broken.
  for (const rule of admissionRules) {
    if (!appliesTo(rule, change)) continue
    const { needs, warns } = rule
    const input = needs
      ? { ...change, read: readerOf(needs, change, facts), ...serversFor(needs, change, facts) }
      : alone
    const error = errorOf(rule, input, isValidPath)
    if (error) found.push({ error, warns: warns?.(input) ?? false })
  }
  return found
}

/** Only the parts that rules read: fill copies the object, and the other parts may be large. */
const slim = ({ apiVersion, kind, metadata, spec, status }: Parent): Parent => ({
  apiVersion,
  kind,
  metadata,
  spec,
  ...(status !== undefined && { status }),
})

const partition = <T>(items: readonly T[], test: (item: T) => boolean) =>
  [items.filter(test), items.filter((item) => !test(item))] as const

/** What a person should know before an object is deleted. */
export function deletionWarnings(object: Parent, config: Config, users: Users): readonly string[] {
  const read = readerOf(undefined, { object }, {})
  const input = { object, spec: specOf(object), config, dryRun: false, read }
  const lost = deletionRules.flatMap((rule) => errorOf(rule, input, everywhere) ?? [])
  return [...[usage(users)].filter((one) => one !== undefined), ...lost.map(sentence)]
}
