/** Byte order marks, with which tools on Windows begin a file. */
const marks = [
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
] as const

/** The text of a file as kubectl decodes it: UTF-8, or UTF-16 after a byte order mark. */
export function decoded(file: Uint8Array): string {
  const mark = marks.find(({ bytes }) => bytes.every((byte, index) => file[index] === byte))
  return new TextDecoder(mark?.encoding ?? 'utf-8').decode(file)
}
