import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { controllers } from '../metacontroller/compositecontrollers.ts'
import { usageError } from '../terminal/usage.ts'

export function controllersCommand({
  url,
  ca,
  tokenSecret,
  revision,
  dra = false,
}: {
  readonly url: string
  readonly ca?: string
  readonly tokenSecret?: string
  readonly revision?: string
  readonly dra?: boolean
}): number {
  if (!/^https?:\/\/[^/]+/.test(url))
    return usageError(`--url must be http://HOST:PORT or https://HOST:PORT, not "${url}"`)
  const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(tokenSecret ?? '') ?? []
  if (tokenSecret !== undefined && !(namespace && name))
    return usageError(`--token-secret must be NAMESPACE/NAME, not "${tokenSecret}"`)
  if (revision !== undefined && !/^[A-Za-z0-9._-]+$/.test(revision))
    return usageError(`--revision must be letters, digits, ".", "_" and "-", not "${revision}"`)
  const objects = controllers({
    url: url.replace(/\/+$/, ''),
    deviceClaims: dra,
    ...(ca && { caBundle: readFileSync(ca).toString('base64') }),
    ...(namespace && name && { tokenSecret: { namespace, name } }),
    ...(revision && { revision }),
  })
  console.log(
    objects
      .map((object) => stringify(object))
      .join('---\n')
      .trimEnd(),
  )
  return 0
}
