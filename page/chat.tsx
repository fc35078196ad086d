import { useEffect, useRef, useState } from 'preact/hooks'
import { chat } from './api.ts'
import { answerReader } from './core/answer.ts'
import { stateOf } from './core/state.ts'
import type { Thing } from './core/things.ts'

/** Asks a served model, as an OpenAI-compatible server; the answer appears as it is written. */
export function Chat({ server }: { readonly server: Thing }) {
  const [question, setQuestion] = useState('')
  const [answer, setAnswer] = useState('')
  const [said, setSaid] = useState('')
  const [isWriting, setWriting] = useState(false)
  const going = useRef<AbortController>(undefined)
  useEffect(() => () => going.current?.abort(), [])

  async function send(): Promise<void> {
    going.current?.abort()
    const mine = new AbortController()
    going.current = mine
    const read = answerReader()
    let isEmpty = true
    setAnswer('')
    setWriting(true)
    const isAsleep = stateOf(server).word === 'Idle'
    setSaid(isAsleep ? 'It sleeps; the question wakes it.' : 'Waiting for the answer…')
    try {
      await chat(
        server,
        question,
        (piece) => {
          const text = read(piece)
          if (!text) return
          isEmpty = false
          setSaid('')
          setAnswer((before) => before + text)
        },
        mine.signal,
      )
      setSaid(isEmpty ? 'The answer is empty.' : '')
    } catch (error) {
      if (!mine.signal.aborted) setSaid(error instanceof Error ? error.message : String(error))
    }
    if (!mine.signal.aborted) setWriting(false)
  }

  return (
    <section aria-labelledby="ask">
      <h3 id="ask">Ask it</h3>
      <form
        class="ask"
        onSubmit={(event) => {
          event.preventDefault()
          if (question.trim()) void send()
        }}
      >
        <textarea
          aria-labelledby="ask"
          rows={3}
          value={question}
          onInput={(event) => setQuestion(event.currentTarget.value)}
        />
        <button type="submit">Ask</button>
      </form>
      <p role="status">{said}</p>
      {/* A screen reader reads it once it is complete. */}
      <blockquote aria-live="polite" aria-busy={isWriting}>
        {answer}
      </blockquote>
    </section>
  )
}
