/** The time between two moments as kubectl shows an age: the two largest units while they are small. */
export function ageOf(since: string | undefined, now: number): string {
  const began = Date.parse(since ?? '')
  if (Number.isNaN(began)) return '-'
  const seconds = Math.max(0, Math.floor((now - began) / 1000))
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ]
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return `${minutes}m${rest(seconds % 60, 's')}`
  if (hours < 3) return `${minutes}m`
  if (hours < 8) return `${hours}h${rest(minutes % 60, 'm')}`
  if (days < 2) return `${hours}h`
  if (days < 8) return `${days}d${rest(hours % 24, 'h')}`
  if (days < 730) return `${days}d`
  return `${Math.floor(days / 365)}y`
}

const rest = (count: number, unit: string): string => (count ? `${count}${unit}` : '')
