/** Durations in few characters, as every command and the page show them. */

const units = [
  ['y', 365 * 86_400],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

type Unit = (typeof units)[number][0]

/** `2h5m`: the number of whole units, and the rest in the next smaller unit. */
function inUnit(seconds: number, unit: Unit, withRest: boolean): string {
  const at = units.findIndex(([name]) => name === unit)
  const [, size] = units[at] ?? ['s', 1]
  const [next, nextSize] = units[at + 1] ?? ['', 1]
  const rest = withRest && next ? Math.floor((seconds % size) / nextSize) : 0
  return `${Math.floor(seconds / size)}${unit}${rest ? `${rest}${next}` : ''}`
}

/** Below how many seconds kubectl uses a unit for an age, and whether it adds the next smaller one. */
const ageSteps: readonly (readonly [below: number, unit: Unit, withRest: boolean])[] = [
  [120, 's', false],
  [600, 'm', true],
  [3 * 3600, 'm', false],
  [8 * 3600, 'h', true],
  [2 * 86_400, 'h', false],
  [8 * 86_400, 'd', true],
  [2 * 365 * 86_400, 'd', false],
]

/** As kubectl shows an age. A negative time counts as 0. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const [, unit, withRest] = ageSteps.find(([below]) => whole < below) ?? [0, 'y', false]
  return inUnit(whole, unit, withRest)
}

/** The time from `since` to `now`, which is in milliseconds; `-` if `since` is not a time. */
export function ageOf(since: string | undefined, now: number): string {
  const began = Date.parse(since ?? '')
  return Number.isNaN(began) ? '-' : duration((now - began) / 1000)
}

/** From this number of units on, the smaller unit is left out. */
const fewUnits = 2

/** An estimate, in the largest unit, with the next smaller one if the number is small. */
export function estimate(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const [unit, size] = units.slice(1).find(([, size]) => whole >= size) ?? ['s', 1]
  const isMany = whole >= fewUnits * size
  return inUnit(isMany ? Math.round(whole / size) * size : whole, unit, !isMany)
}
