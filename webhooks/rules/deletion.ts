import { wantsClaim } from '../../crds/claims.ts'
import { claimName } from '../../crds/names.ts'
import type { Rule, RuleInput } from '../../crds/rule.ts'
import { isObject } from '../../crds/schema/json.ts'
import { diskOf } from './disk.ts'

/** Warns of what is deleted with an object. */
export const deletionRules: readonly Rule[] = [
  {
    field: '',
    // The object may be older than its schema.
    reads: [],
    warns: () => true,
    broken: (input) =>
      Boolean(input.object.metadata.name) &&
      (wantsClaim(input.object, input.config) || hadClaim(input)),
    message: ({ object, config }) => {
      const size = diskOf(object, config)
      return `claim "${claimName(object)}"${size ? ` (${size})` : ''} is deleted with it, unless its StorageClass retains volumes`
    },
  },
]

/** Whether the status records work in a claim. The claim remains when the spec no longer requests it. */
function hadClaim({ object, config }: RuleInput): boolean {
  const { artifacts, stages } = isObject(object.status) ? object.status : {}
  const url = isObject(artifacts) ? artifacts.url : undefined
  if (typeof url === 'string' && url.startsWith(`pvc://${claimName(object)}/`)) return true
  return (
    config.storage.driver === 'pvc' &&
    isObject(stages) &&
    Boolean(stages.run ?? stages.load ?? stages.written)
  )
}
