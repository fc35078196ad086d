import type { Config } from '../../crds/config.ts'
import type { Parent } from '../../crds/kind.ts'
import { namespaceOf } from '../children/metadata.ts'

/** PREFIX/NAMESPACE/KIND-NAME:TAG; the tag is the attempt. Only pushes use the tag. */
export const builtImage = (parent: Parent, tag: string, config: Config): string =>
  `${repositoryOf(parent, config)}:${tag}`

/** Images are used by digest: anyone with the same push credentials can move a tag. */
export const pinnedImage = (parent: Parent, digest: string, config: Config): string =>
  `${repositoryOf(parent, config)}@${digest}`

const repositoryOf = (parent: Parent, { registry }: Config): string =>
  `${registry.prefix}/${namespaceOf(parent)}/${parent.kind.toLowerCase()}-${parent.metadata.name}`
