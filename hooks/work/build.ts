import type { Build } from '../../crds/gitbuild.ts'
import type { DeclaredChild } from '../children/childkind.ts'
import { jobs } from '../children/job.ts'
import { buildHashes, hashesOf } from '../engine/hashes.ts'
import type { Facts } from '../engine/read.ts'
import type { WorkStage } from '../engine/stage.ts'
import { yes } from '../observe/verdict.ts'
import { withBuilderFields } from '../pod/podfields.ts'
import { builderSuspicion, buildPod } from './buildpod.ts'
import { pinnedImage } from './builtimage.ts'

/** The build Job, which every kind has. */
export const buildJob = (kind: string): DeclaredChild => ({
  kind: jobs,
  name: `NAME-${kind}-build-HASH`,
  purpose: 'Builds the image, if `spec.build` is set.',
})

/** The first stage of all kinds: builds an image from Git. `otherwise` says where the image comes from without a build. */
export function buildStage(
  { parent, config }: Facts<{ readonly build?: Build }>,
  otherwise: string,
): WorkStage {
  const { build } = parent.spec
  return {
    does: 'work',
    name: 'build',
    keys: ['build'],
    condition: 'Built',
    active: 'Building',
    ...builderSuspicion(config),
    skip: () => (build ? undefined : yes('Skipped', otherwise)),
    needs: [],
    hashes: hashesOf((rerun) => buildHashes(parent.spec, rerun)),
    policy: { backoffLimit: 1, activeDeadlineSeconds: config.builder.deadlineSeconds },
    template: ({ attempt }) =>
      withBuilderFields(buildPod(parent, build as Build, attempt, config), 'build', parent, config),
    needsDigest: true,
    result: ({ digest, commit }) => ({
      ...(digest && { image: pinnedImage(parent, digest, config) }),
      ...(commit && { commit }),
    }),
  }
}
