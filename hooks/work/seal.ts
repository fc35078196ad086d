import type { Config } from '../../crds/config.ts'
import { toolResources } from '../pod/resources.ts'
import { toolSecurity } from '../pod/security.ts'
import type { Place } from '../storage/driver.ts'

/**
 * Seal writes a manifest with sizes and checksums last, and `{"digest": "sha256:…", "bytes": N}` is
 * its termination message: what has no manifest is never taken for whole. It removes older results,
 * but for those below `keep`, which others still use.
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
