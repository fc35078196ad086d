import { createHash } from 'node:crypto'
import type { RequestListener } from 'node:http'

/** The part of the Hugging Face Hub's API that its own client uses. */

const hash = (algorithm: string, data: string | Buffer): string =>
  createHash(algorithm).update(data).digest('hex')

interface Repository {
  readonly token?: string
  /** Names of files that are stored as large ones. */
  readonly large: readonly string[]
  readonly files: Readonly<Record<string, Buffer>>
  /** Called for each file; true breaks the connection halfway. */
  readonly breaks?: (file: string) => boolean
  /** The second half of a file is sent only after this. */
  readonly after?: Promise<void>
  /** Whether it sends bytes that do not match its checksum. */
  readonly lies?: boolean
}

export function hubOf(repositories: Readonly<Record<string, Repository>>) {
  const asked: string[] = []
  const listener: RequestListener = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://hub')
    asked.push(`${request.method} ${pathname} ${request.headers.range ?? ''}`.trim())
    const end = (status: number, headers: object = {}, body: string | Buffer = '') =>
      response.writeHead(status, { ...headers }).end(request.method === 'HEAD' ? '' : body)
    const [, api, what, apiRevision] =
      /^\/api\/((?:models|datasets)\/[^/]+\/[^/]+)(?:\/(revision|tree)\/(.+))?$/.exec(pathname) ??
      []
    const [, resolved, , file] =
      /^\/((?:datasets\/)?[^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname) ?? []
    const name = api ? api.replace(/^models\//, '') : resolved
    const repository = name === undefined ? undefined : repositories[name]
    const mayRead =
      !repository?.token || request.headers.authorization === `Bearer ${repository.token}`
    if (!name || !repository || !mayRead)
      return end(401, { 'x-error-code': 'RepoNotFound', 'x-error-message': 'Repository not found' })
    const sha = hash('sha1', name)
    const { files, large, breaks, after, lies } = repository
    if (api) {
      if (apiRevision && apiRevision !== 'main' && apiRevision !== sha)
        return end(404, { 'x-error-code': 'RevisionNotFound' }, '{"error":"Invalid rev id"}')
      const siblings = Object.entries(files).map(([rfilename, data]) => ({
        rfilename,
        size: data.length,
        blobId: hash('sha1', Buffer.concat([Buffer.from(`blob ${data.length}\0`), data])),
        ...(large.includes(rfilename) && {
          lfs: { sha256: hash('sha256', data), size: data.length, pointerSize: 134 },
        }),
      }))
      const json = { 'content-type': 'application/json' }
      if (what === 'tree') {
        const tree = siblings.map(({ rfilename, size, blobId, lfs }) => ({
          type: 'file',
          path: rfilename,
          size,
          oid: blobId,
          ...(lfs && { lfs: { oid: lfs.sha256, size, pointerSize: 134 } }),
        }))
        return end(200, json, JSON.stringify(tree))
      }
      return end(
        200,
        json,
        JSON.stringify({ id: name, sha, siblings, private: false, tags: [], downloads: 0 }),
      )
    }
    const data = file === undefined ? undefined : files[decodeURIComponent(file)]
    if (!data || !file) return end(404, { 'x-error-code': 'EntryNotFound' })
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const headers = {
      etag: `"${hash('sha256', data)}"`,
      'x-repo-commit': sha,
      'accept-ranges': 'bytes',
      'content-length': data.length - from,
      ...(from > 0 && { 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` }),
    }
    if (request.method === 'GET' && breaks?.(file)) {
      response.writeHead(200, headers)
      response.write(data.subarray(0, data.length / 2), () =>
        setTimeout(() => response.destroy(), 300),
      )
      return
    }
    const sent = (lies ? Buffer.alloc(data.length, '?') : data).subarray(from)
    const status = from > 0 ? 206 : 200
    if (request.method !== 'GET' || !after) return end(status, headers, sent)
    const half = Math.floor(sent.length / 2)
    response.writeHead(status, headers).write(sent.subarray(0, half))
    void after.then(() => response.end(sent.subarray(half)))
  }
  return { listener, asked }
}
