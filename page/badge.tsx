import type { Tone } from './core/state.ts'

/** A sign beside the word, so that the colour is never the only difference. */
const signs: Readonly<Record<Tone, string>> = {
  ready: '●',
  outdated: '▲',
  stopped: '◌',
  working: '◐',
  waiting: '○',
  failed: '✕',
}

export const Badge = ({ tone, word }: { readonly tone: Tone; readonly word: string }) => (
  <span class={`badge ${tone}`}>
    <span aria-hidden="true">{signs[tone]}</span> {word}
  </span>
)
