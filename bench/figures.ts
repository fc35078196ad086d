import { writeFileSync } from 'node:fs'

/** One line of `--json FILE`; a figure without a target is informational. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit:
    | 'ratio'
    | 'requests/s'
    | 'tokens/s'
    | 'µs'
    | 'ms'
    | 's'
    | 'MiB'
    | 'writes'
    | 'syncs'
  readonly target: number | null
  readonly met: boolean | null
}

export type Target =
  | { readonly atLeast: number }
  | { readonly atMost: number }
  | { readonly below: number }

/** A figure with two decimals, which is judged before it is rounded. */
export function figure(
  name: string,
  unit: Figure['unit'],
  measured: number,
  target?: Target,
): Figure {
  const value = Math.round(measured * 100) / 100
  if (!target) return { name, value, unit, target: null, met: null }
  const [limit] = Object.values(target) as [number]
  const met =
    'atLeast' in target
      ? measured >= limit
      : 'atMost' in target
        ? measured <= limit
        : measured < limit
  return { name, value, unit, target: limit, met }
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The value below which a share of the values lies: 0.99 of them, for instance. */
export const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0

/** One line each; all targets are limits that the value should not exceed. */
export function printFigures(figures: readonly Figure[]): void {
  for (const { name, value, unit, target, met } of figures) {
    const verdict = target === null ? '' : `  at most ${target}: ${met ? 'met' : 'missed'}`
    console.log(`${name.padEnd(72)}${`${value} ${unit}`.padStart(16)}${verdict}`)
  }
}

export const writeJson = (file: string, figures: readonly Figure[]): void =>
  writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`)
