/** How many tokens an answer says it has used. */
export interface Usage {
  readonly prompt: number
  readonly completion: number
}

/** How much of the end of an answer is kept to look for it; in a stream, usage is in the last event. */
const tailBytes = 4096

/** The end of an answer after its next piece. */
export const tailOf = (before: string, piece: Buffer): string =>
  `${before}${piece.toString('latin1', Math.max(0, piece.length - tailBytes))}`.slice(-tailBytes)

/**
 * The last `usage` in the end of an answer. In a text of the answer, its quotes would be escaped, so that
 * a model cannot write one.
 */
export function usageIn(tail: string): Usage | undefined {
  const at = tail.search(/(?<!\\)"usage"\s*:\s*\{(?![\s\S]*(?<!\\)"usage"\s*:\s*\{)/)
  if (at < 0) return undefined
  const counted = (names: string): number =>
    Number(
      new RegExp(`(?<!\\\\)"(?:${names})"\\s*:\\s*([0-9]{1,15})`).exec(tail.slice(at))?.[1] ?? 0,
    )
  const usage = {
    prompt: counted('prompt_tokens|input_tokens'),
    completion: counted('completion_tokens|output_tokens'),
  }
  return usage.prompt || usage.completion ? usage : undefined
}
