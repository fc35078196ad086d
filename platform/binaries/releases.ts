import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type DownloadOptions, download } from '../../tools/download.ts'
import { command } from '../command.ts'
import type { Progress } from '../progress.ts'
import { placed } from './cache.ts'
import type { Release } from './catalog.ts'

interface Downloading {
  readonly progress: Progress
  /** Replaces https:// by a mirror that has each release site in a folder named after its host. */
  readonly mirror?: string
  readonly signal?: AbortSignal
}

/** Downloads a release to `path`, if its sha256 is the published one. */
export async function downloadRelease(release: Release, path: string, how: Downloading) {
  return placed(path, async (temporary) => {
    const folder = `${temporary}.download`
    await mkdir(folder)
    try {
      const sha256 = await publishedDigest(release, folder, how)
      const url = via(how.mirror, release.url)
      const options = { ...downloadOptionsOf(how, url), sha256From: release.checksum.url }
      await download({ url, file: 'release', sha256 }, folder, options)
      const file = join(folder, 'release')
      if (release.member) await extractMember(file, release.member, temporary)
      else await rename(file, temporary)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}

/** Fewer tries than in a Pod: if a download fails, a Go build may still work. */
const downloadOptionsOf = ({ progress, signal }: Downloading, url: string): DownloadOptions => ({
  tries: 2,
  silenceMs: 20_000,
  say: (line) => progress(`  ${url}: ${line}`),
  arrived: reporting(url, progress),
  sha256From: url,
  ...(signal && { signal }),
})

/** Reports each fifth of a file, or each 25 MB if its length is unknown. */
export function reporting(url: string, progress: Progress) {
  let last = 0
  return (bytes: number, total: number | undefined): void => {
    const step = total ? Math.floor((bytes / total) * 5) : Math.floor(bytes / 25e6)
    if (step <= last || bytes === total) return
    last = step
    const of = total ? ` of ${Math.round(total / 1e6)}` : ''
    progress(`  ${url}: ${Math.round(bytes / 1e6)}${of} MB`)
  }
}

/** Extracts one file of a tar archive through stdout, so that the archive cannot choose where to write. */
export async function extractMember(archive: string, member: string, path: string) {
  await command('/bin/sh', ['-c', 'exec tar -xOf "$0" "$1" > "$2"', archive, member, path])
}

const via = (mirror: string | undefined, url: string): string =>
  mirror ? url.replace(/^https:\/\//, `${mirror.replace(/\/$/, '')}/`) : url

async function publishedDigest(
  { url, checksum }: Release,
  folder: string,
  how: Downloading,
): Promise<string> {
  const address = via(how.mirror, checksum.url)
  await download({ url: address, file: 'checksum' }, folder, downloadOptionsOf(how, address))
  const text = await readFile(join(folder, 'checksum'), 'utf8')
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
