const units = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** `2h 5m`: the largest unit and the next one. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const at = units.findIndex(([, size]) => seconds >= size)
  const [unit, size] = units[at] ?? ['s', 1]
  const [nextUnit, nextSize] = units[at + 1] ?? []
  const rest = nextSize ? Math.floor((seconds % size) / nextSize) : 0
  return `${Math.floor(seconds / size)}${unit}${rest ? ` ${rest}${nextUnit}` : ''}`
}

/** How old something is: the largest unit only; empty for what is no time. */
export function ageOf(time: string | undefined, now: number): string {
  const milliseconds = Date.parse(time ?? '')
  if (Number.isNaN(milliseconds)) return ''
  return duration(now - milliseconds).split(' ')[0] ?? ''
}
