import type { Config } from '../../crds/config.ts'
import { unexpanded } from '../../crds/expansion.ts'
import type { Parent } from '../../crds/kind.ts'
import { toolSecurity } from '../pod/security.ts'
import type { Program } from './run.ts'

/** The project's own loader for a source. The hub has separate repositories for models and datasets. */
export const loader = (
  parent: Parent<{ readonly files?: readonly string[] }>,
  source: string,
  config: Config,
): Program => ({
  image: config.images.loader,
  args: [
    'load',
    `--source=${source}`,
    ...(source.startsWith('hf://') ? [`--hub=${parent.kind.toLowerCase()}`] : []),
    ...(parent.spec.files ?? []).map((pattern) => `--files=${pattern}`),
    '--into=/content/artifacts',
  ].map(unexpanded),
  more: toolSecurity(config),
})
