/** The text of a streamed answer of an OpenAI-compatible server, from server-sent events. */

/** Takes pieces of the stream as they arrive, and returns the text that each adds. */
export function answerReader(): (piece: string) => string {
  let rest = ''
  return (piece) => {
    const lines = (rest + piece).split(/\r?\n/)
    rest = lines.pop() ?? ''
    return lines.map(textIn).join('')
  }
}

function textIn(line: string): string {
  if (!line.startsWith('data:')) return ''
  try {
    const { choices, error } = JSON.parse(line.slice(5)) ?? {}
    const text = choices?.[0]?.delta?.content ?? choices?.[0]?.message?.content
    if (typeof text === 'string') return text
    return typeof error?.message === 'string' ? error.message : ''
  } catch {
    // [DONE], or what is no JSON.
    return ''
  }
}

/** Why a request was refused, from the body of its answer; of the API server, the gateway or a model server. */
export function whyIn(body: string, code: number): string {
  try {
    const { message, error } = JSON.parse(body) ?? {}
    const why = typeof error === 'string' ? error : (message ?? error?.message)
    if (typeof why === 'string' && why) return why
  } catch {
    // A page of a proxy.
  }
  return `the answer was ${code}`
}
