/** How many tokens an answer says it has used. */
export interface Usage {
  readonly prompt: number
  readonly completion: number
}

/**
 * How much of each end of an answer is kept to look for it. In a stream, usage is in the last event; llama.cpp
 * writes it before the vectors of an embedding.
 */
const endBytes = 4096

/** The beginning and the end of an answer. */
export interface Ends {
  readonly head: string
  readonly tail: string
}

export const noEnds: Ends = { head: '', tail: '' }

/** Both ends of an answer after its next piece. */
export const endsAfter = ({ head, tail }: Ends, piece: Buffer): Ends => ({
  head: head.length < endBytes ? head + piece.toString('latin1', 0, endBytes - head.length) : head,
  tail: `${tail}${piece.toString('latin1', Math.max(0, piece.length - endBytes))}`.slice(-endBytes),
})

/**
 * The last `usage` in the end of an answer, else in its beginning, as far as that is
 * complete. In a text of the answer, its quotes would
 * be escaped, so that a model cannot write one.
 */
export const usageIn = ({ head, tail }: Ends): Usage | undefined =>
  lastIn(tail) ?? lastIn(head.slice(0, head.lastIndexOf('}') + 1))

function lastIn(text: string): Usage | undefined {
  const at = text.search(/(?<!\\)"usage"\s*:\s*\{(?![\s\S]*(?<!\\)"usage"\s*:\s*\{)/)
  if (at < 0) return undefined
  const counted = (names: string): number =>
    Number(
      new RegExp(`(?<!\\\\)"(?:${names})"\\s*:\\s*([0-9]{1,15})(?![0-9]|$)`).exec(
        text.slice(at),
      )?.[1] ?? 0,
    )
  const usage = {
    prompt: counted('prompt_tokens|input_tokens'),
    completion: counted('completion_tokens|output_tokens'),
  }
  return usage.prompt || usage.completion ? usage : undefined
}
