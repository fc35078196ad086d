/** A client of OpenAI’s API, as far as llama.cpp and vLLM have it. */

interface Question {
  readonly model: string
  readonly question: string
  readonly tokens: number
}

const post = ({ model, question, tokens }: Question, more: object): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', connection: 'close' },
  body: JSON.stringify({
    model,
    max_tokens: tokens,
    messages: [{ role: 'user', content: question }],
    temperature: 0,
    // A small model would end too early to measure it.
    ignore_eos: true,
    ...more,
  }),
})

interface Completion {
  readonly model: string
  readonly choices: readonly { readonly message: { readonly content: string } }[]
  readonly usage: { readonly completion_tokens: number }
}

/** The answer as a whole. */
export async function answerOf(server: string, question: Question): Promise<Completion> {
  const answer = await fetch(`${server}/v1/chat/completions`, post(question, {}))
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Completion
}

export interface Streamed {
  readonly tokens: number
  /** Whether the server ended the stream itself, with its last line. */
  readonly complete: boolean
  readonly firstMs: number
  readonly perSecond: number
}

/** The answer as a stream, to its end or until the connection is lost. */
export async function streamOf(server: string, question: Question): Promise<Streamed> {
  const began = performance.now()
  const answer = await fetch(`${server}/v1/chat/completions`, post(question, { stream: true }))
  if (!answer.ok || !answer.body) throw new Error(`${answer.status} ${await answer.text()}`)
  const at: number[] = []
  let complete = false
  let rest = ''
  try {
    for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (/"content":"/.test(line)) at.push(performance.now())
        if (line === 'data: [DONE]') complete = true
      }
    }
  } catch {
    // Cut: it is not complete.
  }
  const [first = Number.NaN] = at
  const seconds = ((at.at(-1) ?? Number.NaN) - first) / 1000
  return {
    tokens: at.length,
    complete,
    firstMs: first - began,
    perSecond: (at.length - 1) / seconds,
  }
}
