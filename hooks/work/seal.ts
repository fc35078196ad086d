import type { Config } from '../../crds/config.ts'
import { toolResources } from '../pod/resources.ts'
import { toolSecurity } from '../pod/security.ts'
import type { Place } from '../storage/driver.ts'

/**
 * Seal writes a manifest with sizes and checksums last: artifacts without a manifest are incomplete. Its
 * termination message is `{"digest": "sha256:…", "bytes": N}`. It removes older results, except for those
 * in `keep`, which are still in use.
 */
export const seal = ({ seal }: Place, keep: readonly string[], config: Config) => ({
  name: 'seal',
  image: config.images.seal,
  args: ['seal', ...seal.args, ...keep.map((path) => `--keep=${path}`)],
  resources: toolResources,
  ...(seal.env?.length && { env: seal.env }),
  volumeMounts: seal.volumeMounts,
  terminationMessagePolicy: 'FallbackToLogsOnError',
  ...toolSecurity(config),
})
