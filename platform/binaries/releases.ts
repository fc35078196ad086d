import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { placed } from './cache.ts'
import type { Release } from './catalog.ts'

/** How long a server may say nothing. */
const patienceMs = 20_000

interface Downloading {
  readonly progress: Progress
  /** Stands in for https://: a mirror of the release sites, each under its host's name. */
  readonly mirror?: string
  readonly signal?: AbortSignal
}

/** Downloads a release, refuses it unless its sha256 is the published one, and puts it at `path`. */
export async function downloadRelease(release: Release, path: string, how: Downloading) {
  const digest = await publishedDigest(release, how)
  return placed(path, async (temporary) => {
    const archive = release.member ? `${temporary}.tar.gz` : temporary
    try {
      await downloadTo(archive, via(how.mirror, release.url), digest, how)
      if (release.member) await extractMember(archive, release.member, temporary)
    } finally {
      if (release.member) await rm(archive, { force: true })
    }
  })
}

/** One file out of a tar archive, through stdout: no path of the archive is ever written to. */
export async function extractMember(archive: string, member: string, path: string) {
  await command('/bin/sh', ['-c', 'exec tar -xOf "$0" "$1" > "$2"', archive, member, path])
}

const via = (mirror: string | undefined, url: string): string =>
  mirror ? url.replace(/^https:\/\//, `${mirror.replace(/\/$/, '')}/`) : url

async function publishedDigest({ url, checksum }: Release, how: Downloading): Promise<string> {
  const address = via(how.mirror, checksum.url)
  const { response, quiet } = await open(address, how.signal)
  const text = await response.text()
  clearTimeout(quiet)
  const file = url.split('/').at(-1) ?? ''
  const digest = { sha256: plain, sums: lineOf, github: assetOf }[checksum.form](text, file)
  if (!digest) throw new Error(`${address} has no sha256 of ${file}`)
  return digest
}

const hex = /^[0-9a-f]{64}$/
const plain = (text: string) => text.split(/\s/).find((word) => hex.test(word))
const lineOf = (text: string, file: string) =>
  text
    .split('\n')
    .map((line) => line.trim().split(/\s+\*?/))
    .find(([digest, name]) => hex.test(digest ?? '') && name === file)?.[0]
const assetOf = (text: string, file: string) => {
  const { assets = [] } = JSON.parse(text) as { assets?: { name: string; digest?: string }[] }
  return assets.find(({ name }) => name === file)?.digest?.replace('sha256:', '')
}

interface Opened {
  readonly response: Response
  /** Fires when the server says nothing for too long; refresh it with each chunk. */
  readonly quiet: NodeJS.Timeout
}

/** A GET whose body must keep coming. */
export async function open(
  url: string,
  signal?: AbortSignal,
  headers: Readonly<Record<string, string>> = {},
): Promise<Opened> {
  const silence = new AbortController()
  const quiet = setTimeout(
    () => silence.abort(new Error(`${url} says nothing for ${patienceMs / 1000} s`)),
    patienceMs,
  )
  quiet.unref()
  try {
    const response = await fetch(url, {
      headers: { 'user-agent': 'substratus', ...headers },
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    })
    if (response.ok || response.status === 401) return { response, quiet }
    await response.body?.cancel()
    throw new Error(`${url} answers ${response.status}`)
  } catch (error) {
    clearTimeout(quiet)
    if (error instanceof TypeError) {
      const cause = error.cause instanceof Error ? error.cause.message : error.message
      throw new Error(`${url} cannot be reached: ${cause}`)
    }
    throw error
  }
}

interface Following {
  readonly progress: Progress
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
}

/** Downloads a file whose sha256 is known, and says how far it is. */
export async function downloadTo(path: string, url: string, digest: string, how: Following) {
  const { response, quiet } = await open(url, how.signal, how.headers)
  if (!response.ok || !response.body) throw new Error(`${url} answers ${response.status}`)
  const total = Number(response.headers.get('content-length'))
  const hash = createHash('sha256')
  let bytes = 0
  let told = 0
  const follow = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      quiet.refresh()
      hash.update(chunk)
      bytes += chunk.length
      const step = total ? Math.floor((bytes / total) * 5) : Math.floor(bytes / 25e6)
      if (step > told && bytes !== total) {
        told = step
        how.progress(
          `  ${url}: ${Math.round(bytes / 1e6)}${total ? ` of ${Math.round(total / 1e6)}` : ''} MB`,
        )
      }
      done(null, chunk)
    },
  })
  try {
    await pipeline(Readable.fromWeb(response.body), follow, createWriteStream(path))
  } finally {
    clearTimeout(quiet)
  }
  const found = hash.digest('hex')
  if (found !== digest) {
    await rm(path, { force: true })
    throw new Error(`${url} has sha256 ${found}, but ${digest} is published: refused`)
  }
}
