import { wantsClaim } from '../../crds/claims.ts'
import { claimName } from '../../crds/names.ts'
import type { Rule, RuleInput } from '../../crds/rule.ts'
import { isObject } from '../../crds/schema/json.ts'
import { diskOf } from './disk.ts'

/** What goes with a deleted object: a person should read it before it is too late. */
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

/** A claim stays when the spec no longer asks for it: what was done in it is on record. */
function hadClaim({ object, config }: RuleInput): boolean {
  const { artifacts, stages } = isObject(object.status) ? object.status : {}
  const url = isObject(artifacts) ? artifacts.url : undefined
  if (typeof url === 'string' && url.startsWith(`pvc://${claimName(object)}/`)) return true
  return config.storage.driver === 'pvc' && isObject(stages) && Boolean(stages.run ?? stages.load)
}
