import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import type { Container, VolumeMount } from '../children/manifesttypes.ts'
import { podFieldsOf } from './podfields.ts'
import { toolResources } from './resources.ts'
import { toolSecurity } from './security.ts'

/** What the programs beside a notebook or a server have in common. */
export const beside = (
  parent: Parent,
  config: Config,
  volumeMount: VolumeMount,
): Omit<Container, 'name'> => ({
  image: config.images.idle,
  resources: toolResources(config),
  volumeMounts: [volumeMount],
  ...toolSecurity(config, podFieldsOf(parent, config).securityContext?.runAsUser),
})

/** The sidecar that ends with the message `idle`; `args` say where it finds what the program does. */
export const idleWatch = (
  parent: Parent<{ readonly idleTimeout?: string }>,
  config: Config,
  args: readonly string[],
  volumeMount: VolumeMount,
): Container => {
  const { image, ...others } = beside(parent, config, volumeMount)
  return {
    name: 'idle',
    ...(image && { image }),
    args: ['idle', `--timeout=${parent.spec.idleTimeout}`, ...args],
    ...others,
  }
}
