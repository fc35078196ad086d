import { createHash, generateKeyPairSync } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** A minimal Google Cloud Storage: one bucket, readable with a token for a service account. */

export interface Store {
  readonly listener: RequestListener
  /** The account's key in Google's format, for a store at `url`. */
  readonly keyFor: (url: string) => string
}

const token = 'a-token-of-the-store'

/** With `after`, the second half of each file is sent only after that. */
export function storeOf(
  bucket: string,
  files: Readonly<Record<string, Buffer>>,
  after?: Promise<void>,
): Store {
  const objects = `/storage/v1/b/${bucket}/o`
  const item = (name: string, host: string | undefined) => ({
    kind: 'storage#object',
    bucket,
    name,
    size: String(files[name]?.length),
    md5Hash: createHash('md5')
      .update(files[name] ?? '')
      .digest('base64'),
    updated: '2026-01-01T00:00:00.000Z',
    mediaLink: `http://${host}/media/${encodeURIComponent(name)}`,
  })
  const answerTo = (url: URL, host: string | undefined): object | Buffer | undefined => {
    const name = decodeURIComponent(url.pathname.replace(/^\/media\/|^.*\/o\//, ''))
    if (url.pathname.startsWith('/media/')) return files[name]
    if (url.pathname.startsWith(`${objects}/`)) return files[name] && item(name, host)
    if (url.pathname !== objects) return undefined
    const prefix = url.searchParams.get('prefix') ?? ''
    const below = Object.keys(files).filter((key) => key.startsWith(prefix))
    const isDeeper = (key: string) => key.slice(prefix.length).includes('/')
    const folders = below
      .filter(isDeeper)
      .map((key) => `${prefix}${key.slice(prefix.length).split('/')[0]}/`)
    return {
      kind: 'storage#objects',
      items: below.filter((key) => !isDeeper(key)).map((key) => item(key, host)),
      prefixes: [...new Set(folders)],
    }
  }
  return {
    listener: async (request, response) => {
      const url = new URL(request.url ?? '', 'http://store')
      await buffer(request)
      const json = (code: number, body: object) =>
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      if (url.pathname === '/token')
        return json(200, { access_token: token, token_type: 'Bearer', expires_in: 3600 })
      if (request.headers.authorization !== `Bearer ${token}`)
        return json(401, { error: { code: 401, message: 'no token' } })
      const answer = answerTo(url, request.headers.host)
      if (!answer) return json(404, { error: { code: 404, message: 'not found' } })
      if (Buffer.isBuffer(answer)) {
        const half = Math.floor(answer.length / 2)
        response.writeHead(200, { 'content-length': answer.length })
        response.write(answer.subarray(0, half))
        await after
        return response.end(answer.subarray(half))
      }
      return json(200, answer)
    },
    keyFor: (url) =>
      JSON.stringify({
        type: 'service_account',
        project_id: 'project',
        private_key_id: '1',
        private_key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
          type: 'pkcs8',
          format: 'pem',
        }),
        client_email: 'loader@project.iam.gserviceaccount.com',
        client_id: '1',
        token_uri: `${url}/token`,
      }),
  }
}
