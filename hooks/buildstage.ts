import type { Build } from '../crds/common.ts'
import type { Config } from '../crds/config.ts'
import type { Parent } from '../crds/kind.ts'
import type { Made } from './children/kinds.ts'
import { yes } from './conditions.ts'
import { buildHashes, hashesOf } from './names.ts'
import type { Records } from './parent.ts'
import type { Works } from './stage.ts'
import { builderSuspicion, buildPod, builtImage } from './work/build.ts'

/** The child that every kind has. */
export const buildJob = (kind: string): Made => ({
  kind: 'Job',
  name: `NAME-${kind}-build-HASH`,
  purpose: 'Builds the image, if `spec.build` is set.',
})

/** The first stage of all kinds: Git becomes an image. */
export function buildStage(parent: Parent, config: Config, givenMessage: string): Works {
  const { build } = parent.spec as { build?: Build }
  return {
    does: 'work',
    name: 'build',
    condition: 'Built',
    active: 'Building',
    ...builderSuspicion(config),
    skip: () => (build ? undefined : yes('Skipped', givenMessage)),
    needs: [],
    hashes: hashesOf((rerun) => buildHashes(parent.spec, rerun)),
    policy: { backoffLimit: 1, activeDeadlineSeconds: config.builder.deadlineSeconds },
    template: ({ attempt }) => buildPod(parent, build as Build, attempt, config),
    needsDigest: true,
    result: ({ digest, commit }, attempt) => ({
      ...(digest && { image: pinned(builtImage(parent, attempt, config), digest) }),
      ...(commit && { commit }),
    }),
  }
}

/** By digest, never by tag: anyone with the same push credentials can move a tag. */
export const pinned = (image: string, digest: string): string =>
  `${image.replace(/:[^:/]+$/, '')}@${digest}`

/** Build wins over image, as exported objects of the last release have both. */
export const ownImage = (parent: Parent, records: Records): string | undefined => {
  const { build, image } = parent.spec as { build?: Build; image?: string }
  return build ? records.build?.image : image
}
