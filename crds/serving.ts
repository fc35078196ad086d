import { isShared } from './claims.ts'
import type { Config } from './config.ts'
import type { Build } from './gitbuild.ts'
import { claimName } from './names.ts'
import type { Artifacts } from './status.ts'

/** Where a ModelServer reads the Model from. Hooks mount it; webhooks refuse more replicas than can. */

interface Requested {
  readonly image?: string
  readonly build?: Build
  readonly runtime?: string
  readonly replicas?: number
}

/** Whether the Model's own image serves: it contains a program, and the ModelServer requests no other. */
export const servesItself = (
  { image, build, runtime }: Requested,
  { image: own, program }: Artifacts,
): boolean => Boolean(!image && !build && !runtime && own && program)

/**
 * The claim that we created for a Model of this name, if the server mounts it and only one node can.
 * This does not include a claim that the user names in `source: pvc://…`, because we do not know its
 * access modes.
 */
export function singleNodeClaim(
  server: Requested,
  model: string,
  artifacts: Artifacts,
  config: Config,
): string | undefined {
  const { image, inImage, url } = artifacts
  if (image && inImage && (servesItself(server, artifacts) || config.imageVolumes === 'Enabled'))
    return undefined
  if (isShared(config)) return undefined
  const claim = claimName({ kind: 'Model', metadata: { name: model } })
  return url?.startsWith(`pvc://${claim}/`) ? claim : undefined
}

/** The error of spec.replicas: two Pods on two nodes cannot mount a claim that only one node can mount. */
export function tooManyReplicas(
  server: Requested,
  model: string,
  artifacts: Artifacts,
  config: Config,
): string | undefined {
  const { replicas = 1 } = server
  if (replicas <= 1 || !singleNodeClaim(server, model, artifacts, config)) return undefined
  const given = (['image', 'build', 'runtime'] as const).filter((field) => server[field])
  const serves = (requested: Requested) => servesItself(requested, { ...artifacts, image: model })
  // Not by config.imageVolumes: of a running server, the hooks know only what it mounts now.
  const nodes = 'use nodes that mount images (imageVolumes)'
  const options = [
    ...(artifacts.inImage
      ? []
      : [`set package: Always on the Model${serves(server) ? '' : ` and ${nodes}`}`]),
    ...(given.length && artifacts.inImage && serves({})
      ? [`remove spec.${given.join(' and spec.')}, so that the Model’s own image serves`]
      : []),
    ...(artifacts.inImage ? [nodes] : []),
    'use a storage class with ReadWriteMany',
  ]
  return `Invalid value: ${replicas}: Model "${model}" is in a ReadWriteOnce claim, which serves one: ${options.join(', or ')}`
}
