import type { FileHandle } from 'node:fs/promises'

/** Reads the header of a GGUF file, as far as it says whether the file is a LoRA adapter. */

/** The header of an adapter has a few kilobytes: it has no vocabulary. */
const mostHeaderBytes = 2 ** 22

/** The sizes of values, by their type's number; 8 is a string, 9 a list. */
const sizes = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8] as const
const [string, list] = [8, 9]

/**
 * The largest rank of an adapter; undefined for any other file. The header has no rank: it is the second
 * dimension of each matrix lora_a.
 *
 * @throws if the header is cut, or longer than that of an adapter.
 */
export async function ggufAdapterRank(file: FileHandle): Promise<number | undefined> {
  const buffer = Buffer.alloc(mostHeaderBytes)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
  const read = reader(buffer.subarray(0, bytesRead))
  if (bytesRead < 4 || read.word() !== 0x46554747) return undefined
  if (read.word() < 2) return undefined
  const tensors = read.long()
  const values = read.long()
  let isAdapter = false
  for (let at = 0; at < values; at++) {
    const key = read.text()
    const value = read.value()
    if (key === 'general.type') isAdapter = value === 'adapter'
    // Whatever else it is, reading on may be long.
    if (key === 'general.type' && !isAdapter) return undefined
    if (key === 'adapter.type' && value !== 'lora') return undefined
  }
  if (!isAdapter) return undefined
  let rank: number | undefined
  for (let at = 0; at < tensors; at++) {
    const name = read.text()
    const dimensions = Array.from({ length: Math.min(8, read.word()) }, () => read.long())
    read.skip(4 + 8)
    if (name.endsWith('.lora_a')) rank = Math.max(rank ?? 0, dimensions[1] ?? 1)
  }
  return rank
}

/** Reads little-endian values one after the other. */
function reader(buffer: Buffer) {
  let at = 0
  const take = (bytes: number): number => {
    if (bytes < 0 || at + bytes > buffer.length)
      throw new Error('its header is cut off or too long')
    at += bytes
    return at - bytes
  }
  const word = (): number => buffer.readUInt32LE(take(4))
  const long = (): number => {
    const value = buffer.readBigUInt64LE(take(8))
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('its header is not valid')
    return Number(value)
  }
  const text = (): string => {
    const length = long()
    const from = take(length)
    return buffer.toString('utf8', from, from + length)
  }
  const skip = (bytes: number): void => {
    take(bytes)
  }
  /** A string as it is; any other value is only skipped. */
  function value(type = word()): string | undefined {
    if (type === string) return text()
    if (type === list) {
      const inner = word()
      const length = long()
      const size = sizes[inner]
      if (size) skip(size * length)
      else if (inner !== string) throw new Error('its header has a list of lists')
      else for (let item = 0; item < length; item++) text()
      return undefined
    }
    const size = sizes[type]
    if (!size) throw new Error('its header has a value of an unknown type')
    skip(size)
    return undefined
  }
  return { word, long, text, skip, value }
}
