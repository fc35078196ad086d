import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boundaryIn, formReader, type ModelField } from './core/form.ts'
import { readJson, withLora, withModel } from './core/jsonbody.ts'
import type { Route } from './core/path.ts'
import { refusals } from './core/refusals.ts'
import type { Lora } from './core/servers.ts'
import { Refused } from './refused.ts'
import { type Room, roomsOf } from './room.ts'
import type { Limits } from './world.ts'

/** A body that was read as a whole, so that it can be sent again if a connection is refused. */
export interface Body {
  readonly model: string
  readonly key: number | undefined
  /** The body with the name that a replica knows, and with its adapters; each time from the beginning. */
  readonly sentTo: (replica: {
    readonly knows: string
    readonly lora: Lora | undefined
  }) => Sendable
  /** Frees its memory or its file. */
  readonly discard: () => Promise<void>
}

export interface Sendable {
  readonly length: number
  readonly content: Buffer | AsyncIterable<Buffer>
}

export type ReadBody = (req: IncomingMessage, route: Route) => Promise<Body>

/** Reads the bodies of requests: JSON into memory, forms to disk, because they contain files. */
export function bodyReader(limits: Limits): ReadBody {
  const memory = roomsOf(limits.allJsonBytes, refusals.full)
  const disk = roomsOf(limits.allFormBytes, refusals.full)
  return (req, { namespace, path }) => {
    const encoding = req.headers['content-encoding']
    if (encoding !== undefined && !/^\s*identity\s*$/i.test(encoding))
      throw new Refused(refusals.encodedBody(encoding))
    const [, type = '', parameters = ''] =
      /^\s*([^;\s]*)\s*(.*)$/s.exec(req.headers['content-type'] ?? '') ?? []
    if (/^application\/(.*\+)?json$/i.test(type))
      return jsonBody(req, path, limits.jsonBytes, memory(namespace))
    const boundary = /^multipart\/form-data$/i.test(type) ? boundaryIn(parameters) : undefined
    if (boundary) return formBody(req, boundary, limits.formBytes, disk(namespace))
    throw new Refused(refusals.noModel())
  }
}

/**
 * The pieces of a body, counted before they are kept, each with what it takes besides its bytes; a body that
 * is too large is not read at all.
 */
async function* bounded(
  req: IncomingMessage,
  most: number,
  room: Room,
  besides = 0,
): AsyncGenerator<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > most) throw new Refused(refusals.tooLarge(most))
  let size = 0
  for await (const piece of req.iterator({ destroyOnReturn: false })) {
    size += piece.length
    if (size > most) throw new Refused(refusals.tooLarge(most))
    room.take(piece.length + besides)
    yield piece
  }
}

/** What a piece takes besides its bytes. A client may send single bytes. */
const pieceOverhead = 1024

async function jsonBody(
  req: IncomingMessage,
  path: string,
  most: number,
  room: Room,
): Promise<Body> {
  const pieces: Buffer[] = []
  let taken = 0
  try {
    for await (const piece of bounded(req, most, room, pieceOverhead)) {
      pieces.push(piece)
      taken += piece.length + pieceOverhead
    }
    const body = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces)
    room.give(taken - body.length)
    taken = body.length
    const read = readJson(body, path)
    if (typeof read === 'string') throw new Refused(refusals.badBody(read))
    const { model, key } = read
    if (model === undefined) throw new Refused(refusals.noModel())
    return {
      model,
      key,
      sentTo: ({ knows, lora }) => {
        const named = knows === model ? body : withModel(body, knows)
        const content = lora ? withLora(named, lora) : named
        return { length: content.length, content }
      },
      discard: async () => room.give(taken),
    }
  } catch (error) {
    room.give(taken)
    throw error
  }
}

async function formBody(
  req: IncomingMessage,
  boundary: string,
  most: number,
  room: Room,
): Promise<Body> {
  const file = await namelessFile()
  let size = 0
  const discard = async () => {
    room.give(size)
    await file.close()
  }
  try {
    const reader = formReader(boundary)
    for await (const piece of bounded(req, most, room)) {
      size += piece.length
      reader.read(piece)
      await file.appendFile(piece)
    }
    const found = reader.end()
    if (typeof found === 'string') throw new Refused(refusals.badBody(found))
    if (!found) throw new Refused(refusals.noModel())
    return {
      model: found.model,
      key: undefined,
      // A form has no field for adapters: llama.cpp reads none.
      sentTo: ({ knows }) => formWith(file, size, found, knows),
      discard,
    }
  } catch (error) {
    await discard()
    throw error
  }
}

/** A file without a name: it is gone when it is closed, and when the process ends. */
async function namelessFile(): Promise<FileHandle> {
  const path = join(tmpdir(), `substratus-gateway-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await unlink(path)
  return file
}

function formWith(
  file: FileHandle,
  size: number,
  { from, to }: ModelField,
  model: string,
): Sendable {
  const value = Buffer.from(model)
  return { length: size - (to - from) + value.length, content: parts() }
  async function* parts(): AsyncGenerator<Buffer> {
    yield* piecesOf(file, 0, from)
    yield value
    yield* piecesOf(file, to, size)
  }
}

const pieceBytes = 65_536

async function* piecesOf(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const piece = Buffer.allocUnsafe(Math.min(pieceBytes, to - at))
    const { bytesRead } = await file.read(piece, 0, piece.length, at)
    if (!bytesRead) throw new Error('the file of a form has become shorter')
    yield piece.subarray(0, bytesRead)
    at += bytesRead
  }
}
