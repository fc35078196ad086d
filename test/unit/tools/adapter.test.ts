import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { adapterIn } from '../../../tools/adapter.ts'

/** What `seal` finds out about artifacts that are a LoRA adapter. */

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-adapter-'))
  vi.spyOn(console, 'log').mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const config = 'adapter_config.json'
const peft = (r: unknown, more: object = {}): string =>
  JSON.stringify({ peft_type: 'LORA', r, ...more })

/** The header of a GGUF file. */
function gguf(
  values: Readonly<Record<string, string | number | readonly string[]>>,
  tensors: Readonly<Record<string, readonly number[]>> = {},
): Buffer {
  const word = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    return bytes
  }
  const long = (value: number) => Buffer.concat([word(value), word(0)])
  const text = (value: string) =>
    Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)])
  const encoded = (value: string | number | readonly string[]): Buffer =>
    typeof value === 'string'
      ? Buffer.concat([word(8), text(value)])
      : typeof value === 'number'
        ? Buffer.concat([word(4), word(value)])
        : Buffer.concat([word(9), word(8), long(value.length), ...value.map(text)])
  return Buffer.concat([
    Buffer.from('GGUF'),
    word(3),
    long(Object.keys(tensors).length),
    long(Object.keys(values).length),
    ...Object.entries(values).flatMap(([key, value]) => [text(key), encoded(value)]),
    ...Object.entries(tensors).flatMap(([name, dimensions]) => [
      text(name),
      word(dimensions.length),
      ...dimensions.map(long),
      word(0),
      long(0),
    ]),
  ])
}

const lora = gguf(
  {
    'general.architecture': 'llama',
    'general.type': 'adapter',
    'adapter.type': 'lora',
    tags: ['a'],
  },
  {
    'blk.0.attn_q.weight.lora_a': [576, 8],
    'blk.0.attn_q.weight.lora_b': [8, 576],
    'blk.1.attn_q.weight.lora_a': [576, 12],
  },
)

async function found(files: Readonly<Record<string, string | Buffer>>) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return adapterIn(folder, Object.keys(files))
}

describe('an adapter is', () => {
  test.each<{ what: string; files: Record<string, string | Buffer>; adapter: object }>([
    {
      what: 'a folder that peft has written',
      files: { [config]: peft(16), 'adapter_model.safetensors': 'x' },
      adapter: { format: 'peft', rank: 16 },
    },
    {
      what: 'the same in the only such folder',
      files: { [`adapter/${config}`]: peft(8), 'log.txt': 'x' },
      adapter: { format: 'peft', rank: 8, path: 'adapter' },
    },
    {
      what: 'that of the result, beside checkpoints',
      files: { [config]: peft(16), [`checkpoint-1/${config}`]: peft(8) },
      adapter: { format: 'peft', rank: 16 },
    },
    {
      what: 'of the largest rank of its layers',
      files: { [config]: peft(8, { rank_pattern: { q_proj: 64 } }) },
      adapter: { format: 'peft', rank: 64 },
    },
    {
      what: 'a GGUF file of that type, whose matrices tell the rank',
      files: { 'polite.gguf': lora },
      adapter: { format: 'gguf', rank: 12, path: 'polite.gguf' },
    },
  ])('$what', async ({ files, adapter }) => {
    expect(await found(files)).toEqual(adapter)
  })
})

describe('none is', () => {
  test.each<{ what: string; files: Record<string, string | Buffer> }>([
    { what: 'a whole model', files: { 'config.json': '{}', 'model.safetensors': 'x' } },
    {
      what: 'one of several checkpoints',
      files: { [`a/${config}`]: peft(8), [`b/${config}`]: peft(8) },
    },
    { what: 'a deeper folder', files: { [`a/b/${config}`]: peft(8) } },
    {
      what: 'another method of peft',
      files: { [config]: peft(8, { peft_type: 'PREFIX_TUNING' }) },
    },
    { what: 'a configuration without a rank', files: { [config]: '{}' } },
    { what: 'a rank that is none', files: { [config]: peft('16') } },
    { what: 'a rank below 1', files: { [config]: peft(0) } },
    { what: 'a configuration that is no JSON', files: { [config]: '{' } },
    { what: 'one that is null', files: { [config]: 'null' } },
    { what: 'a GGUF file of a model', files: { 'a.gguf': gguf({ 'general.type': 'model' }) } },
    { what: 'a GGUF file that is cut', files: { 'a.gguf': lora.subarray(0, 100) } },
    { what: 'another file of that name', files: { 'a.gguf': 'not at all' } },
    {
      what: 'a control vector',
      files: { 'a.gguf': gguf({ 'general.type': 'adapter', 'adapter.type': 'x' }) },
    },
    { what: 'a file whose name could be two', files: { 'a,b.gguf': lora } },
    { what: 'a file whose name could be a scale', files: { 'a:1.gguf': lora } },
    { what: 'a folder whose name could be a flag', files: { [`--enable/${config}`]: peft(8) } },
    { what: 'a folder with a space in its name', files: { [`a b/${config}`]: peft(8) } },
  ])('$what', async ({ files }) => {
    expect(await found(files)).toBeUndefined()
  })

  test('a link to a file elsewhere', async () => {
    const other = mkdtempSync(join(tmpdir(), 'substratus-adapter-'))
    writeFileSync(join(other, config), peft(8))
    symlinkSync(join(other, config), join(folder, config))
    expect(await adapterIn(folder, [config])).toBeUndefined()
    rmSync(other, { recursive: true })
  })
})
