import { readFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { controllers } from '../metacontroller/controllers.ts'

export function controllersCommand({
  url,
  ca,
  dra = false,
}: {
  readonly url: string
  readonly ca?: string
  readonly dra?: boolean
}): number {
  if (!/^https?:\/\/[^/]+/.test(url)) {
    console.error(`error: --url must be http://HOST:PORT or https://HOST:PORT, not "${url}"`)
    return 2
  }
  const objects = controllers({
    url: url.replace(/\/+$/, ''),
    deviceClaims: dra,
    ...(ca && { caBundle: readFileSync(ca).toString('base64') }),
  })
  console.log(
    objects
      .map((object) => stringify(object))
      .join('---\n')
      .trimEnd(),
  )
  return 0
}
