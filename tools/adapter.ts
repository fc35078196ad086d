import { ggufAdapterRank } from './gguf.ts'
import { openInside, shown } from './manifest.ts'

/**
 * What artifacts say about themselves if they are a LoRA adapter: a folder with the adapter_config.json of
 * the library peft, or a GGUF file of the type adapter.
 */
export interface Adapter {
  readonly format: 'peft' | 'gguf'
  readonly rank: number
  /** The folder or the file; absent: the artifacts' own folder. */
  readonly path?: string
}

/** A path that the hooks accept, for it becomes part of a command line. */
const isPlain = (path: string): boolean =>
  path.length <= 253 && path.split('/').every((part) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(part))

const depthOf = (path: string): number => path.split('/').length

/**
 * The adapter among files: one in the artifacts' own folder, else the only one in a folder there. Checkpoints
 * beside an adapter have a configuration too, so that of several in folders none is chosen.
 */
export async function adapterIn(
  folder: string,
  files: readonly string[],
): Promise<Adapter | undefined> {
  const found: Adapter[] = []
  const candidates = files.filter((path) => depthOf(path) <= 2 && isCandidate(path))
  for (const depth of [1, 2]) {
    for (const path of candidates.filter((one) => depthOf(one) === depth).slice(0, mostRead)) {
      const adapter = await read(folder, path)
      if (adapter) found.push(adapter)
    }
    if (found.length) break
  }
  const [adapter, ...others] = found
  if (!adapter) return undefined
  if (others.length) {
    console.log(
      `${found.length} adapters found: only a result with exactly one counts as an adapter`,
    )
    return undefined
  }
  console.log(`an adapter: ${adapter.format}, rank ${adapter.rank}`)
  return adapter
}

const config = 'adapter_config.json'
const isCandidate = (path: string): boolean =>
  path === config || path.endsWith(`/${config}`) || path.endsWith('.gguf')

/** A folder with more GGUF files is a model in many forms. */
const mostRead = 32

async function read(folder: string, path: string): Promise<Adapter | undefined> {
  try {
    const isGguf = path.endsWith('.gguf')
    const rank = isGguf ? await ggufRank(folder, path) : await peftRank(folder, path)
    if (rank === undefined) return undefined
    const at = isGguf ? path : path.slice(0, -config.length - 1)
    if (at && !isPlain(at)) {
      console.log(
        `${shown(path)} is no adapter: its path has other characters than A-Z a-z 0-9 . _ -`,
      )
      return undefined
    }
    return { format: isGguf ? 'gguf' : 'peft', rank, ...(at && { path: at }) }
  } catch (error) {
    console.log(`${shown(path)} is no adapter: ${(error as Error).message}`)
    return undefined
  }
}

const mostConfigBytes = 2 ** 20

async function peftRank(folder: string, path: string): Promise<number | undefined> {
  const file = await openInside(folder, path)
  try {
    if ((await file.stat()).size > mostConfigBytes) throw new Error('it is larger than 1 MiB')
    const { peft_type, r, rank_pattern } = JSON.parse(await file.readFile('utf8')) ?? {}
    if (peft_type !== undefined && peft_type !== 'LORA') return undefined
    // Single layers can have a rank of their own.
    const ranks = [r, ...Object.values(rank_pattern ?? {})]
    return ranks.every(isRank) ? Math.max(...ranks) : undefined
  } finally {
    await file.close()
  }
}

const mostRank = 65_536
const isRank = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= mostRank

async function ggufRank(folder: string, path: string): Promise<number | undefined> {
  const file = await openInside(folder, path)
  try {
    const rank = await ggufAdapterRank(file)
    return isRank(rank) ? rank : undefined
  } finally {
    await file.close()
  }
}
