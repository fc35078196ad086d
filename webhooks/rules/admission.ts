import type { Rule } from '../../crds/rule.ts'
import { ownRules } from '../../crds/rules.ts'
import { adapterRules } from './adapters.ts'
import { diskRules } from './disk.ts'
import { gpulessRules } from './gpuless.ts'
import { ignoredRules } from './ignored.ts'
import { imageVolumeRules } from './imagevolumes.ts'
import { profileRules } from './profiles.ts'
import { referenceRules } from './references.ts'
import { reservedRules } from './reserved.ts'
import { serviceNameRules } from './servicename.ts'
import { sharedClaimRules } from './sharedclaim.ts'
import { supersededRules } from './superseded.ts'

/** The rules for an object that is created or changed, in the order of their messages. */
export const admissionRules: readonly Rule[] = [
  ...ownRules,
  ...referenceRules,
  ...adapterRules,
  ...sharedClaimRules,
  ...diskRules,
  ...ignoredRules,
  ...imageVolumeRules,
  ...profileRules,
  ...gpulessRules,
  ...reservedRules,
  ...serviceNameRules,
  ...supersededRules,
]
