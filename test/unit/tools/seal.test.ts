import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readManifest } from '../../../tools/manifest.ts'
import { main, olderThan, seal } from '../../../tools/seal.ts'

let storage: string
beforeEach(() => {
  storage = mkdtempSync(join(tmpdir(), 'substratus-seal-'))
})
afterEach(() => rmSync(storage, { recursive: true }))

function write(path: string, text: string): string {
  const full = join(storage, path)
  mkdirSync(join(full, '..'), { recursive: true })
  writeFileSync(full, text)
  return full
}

const attempt = (name: string) => join(storage, 'run', name)

describe('sealed artifacts', () => {
  test('have a manifest with the size and the sha256 of every file', async () => {
    write('run/a/weights.bin', 'abc')
    write('run/a/deep/config.json', '{}')
    symlinkSync('weights.bin', attempt('a/latest'))
    await seal(attempt('a'))
    expect(await readManifest(attempt('a'))).toEqual({
      version: 1,
      bytes: 5,
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      files: [
        {
          path: 'deep/config.json',
          bytes: 2,
          sha256: '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
        },
        { path: 'latest', link: 'weights.bin' },
        {
          path: 'weights.bin',
          bytes: 3,
          sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
        },
      ],
    })
  })

  test('have the same digest for the same files in another place, and another if one byte differs', async () => {
    write('run/a/x', 'abc')
    write('run/b/x', 'abc')
    write('run/c/x', 'abd')
    const digest = async (name: string) => (await seal(attempt(name))).manifest.digest
    const [a, b, c] = [await digest('a'), await digest('b'), await digest('c')]
    expect(a).toBe(b)
    expect(a).not.toBe(c)
  })

  test('are sealed again to the same digest: a Pod may end after its work', async () => {
    write('run/a/x', 'abc')
    const first = await seal(attempt('a'))
    expect(await seal(attempt('a'))).toEqual(first)
  })

  test('can be read by the group, even if a library wrote them for its user only', async () => {
    chmodSync(write('run/a/deep/x', 'abc'), 0o600)
    chmodSync(attempt('a/deep'), 0o700)
    await seal(attempt('a'))
    expect(statSync(attempt('a/deep/x')).mode & 0o777).toBe(0o640)
    expect(statSync(attempt('a/deep')).mode & 0o777).toBe(0o750)
  })
})

describe('incomplete artifacts are never used', () => {
  test('no files at all are an error', async () => {
    mkdirSync(attempt('a'), { recursive: true })
    await expect(seal(attempt('a'))).rejects.toThrow(
      'nothing was written to /content/artifacts: there is no result to keep',
    )
    expect(existsSync(attempt('a/.substratus.json'))).toBe(false)
  })

  test('a failure removes an older manifest', async () => {
    write('run/a/x', 'abc')
    await seal(attempt('a'))
    rmSync(attempt('a/x'))
    await expect(seal(attempt('a'))).rejects.toThrow('nothing was written to /content/artifacts')
    await expect(readManifest(attempt('a'))).rejects.toThrow(
      'the artifacts have no .substratus.json: they were never finished',
    )
  })

  test('a manifest that was changed is refused', async () => {
    write('run/a/x', 'abc')
    await seal(attempt('a'))
    const path = attempt('a/.substratus.json')
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('"bytes": 3,\n   "sha', '"bytes": 4,\n   "sha'),
    )
    await expect(readManifest(attempt('a'))).rejects.toThrow('does not match its own digest')
  })
})

describe('older attempts', () => {
  const [old, used, fresh] = ['0123456789abcdef', 'aaaaaaaaaaaaaaaa', 'ffffffffffffffff'] as const
  test.each([
    {
      when: 'none is in use: all',
      there: [old, used, fresh],
      keep: [],
      removed: [`run/${old}`, `run/${used}`],
    },
    {
      when: 'one is in use: the others',
      there: [old, used, fresh],
      keep: [`run/${used}`],
      removed: [`run/${old}`],
    },
    {
      when: 'all are in use: none',
      there: [old, used, fresh],
      keep: [`run/${old}`, `run/${used}`],
      removed: [],
    },
    {
      when: 'what is in use does not exist: none',
      there: [fresh],
      keep: ['run/gone'],
      removed: [],
    },
    {
      when: 'no folder has the name of an attempt: none',
      there: ['checkpoints', '..', `${old}0`, old.toUpperCase(), fresh],
      keep: [],
      removed: [],
    },
  ])('are removed when $when', ({ there, keep, removed }) => {
    expect(olderThan(`run/${fresh}`, there, keep)).toEqual(removed)
  })

  test('are removed when the new one is sealed, and those of other stages stay', async () => {
    const stay = [`run/${used}`, `run/${fresh}`, `load/${old}`]
    for (const path of [`run/${old}`, ...stay]) write(`${path}/x`, 'abc')
    await main({
      artifacts: [attempt(fresh)],
      storage: [storage],
      keep: [`run/${used}`],
    })
    expect(existsSync(attempt(old))).toBe(false)
    for (const path of stay) expect(existsSync(join(storage, path, 'x'))).toBe(true)
  })
})
