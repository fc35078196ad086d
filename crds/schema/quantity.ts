/**
 * Kubernetes quantities in their canonical form. The API server rewrites "0.5" to "500m" and "1024Mi" to
 * "1Gi", so a child with another form would be written again for ever.
 * The rules: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */

const binary: readonly (readonly [string, bigint])[] = [
  ['Ei', 1n << 60n],
  ['Pi', 1n << 50n],
  ['Ti', 1n << 40n],
  ['Gi', 1n << 30n],
  ['Mi', 1n << 20n],
  ['Ki', 1n << 10n],
]
const decimal: readonly (readonly [string, bigint])[] = [
  ['E', 10n ** 18n],
  ['P', 10n ** 15n],
  ['T', 10n ** 12n],
  ['G', 10n ** 9n],
  ['M', 10n ** 6n],
  ['k', 10n ** 3n],
  ['', 1n],
]

/** In thousandths, the smallest unit that can be requested. */
const milli = 1000n

const milliOf: ReadonlyMap<string, bigint> = new Map([
  ['m', 1n],
  ...[...binary, ...decimal].map(([suffix, unit]): [string, bigint] => [suffix, milli * unit]),
])

interface Amount {
  readonly milli: bigint
  readonly binary: boolean
}

/** The API server stores this for everything larger. */
const largest = (1n << 63n) - 1n

/** Parsing a number of a million digits takes long, and Kubernetes accepts no such quantity. */
const longest = 64

function parse(text: string): Amount {
  if (text.length > longest) throw new Error(`not a quantity: ${text.slice(0, longest)}…`)
  // Others may have written a claim: 1e12 is a quantity, too.
  const match =
    /^([0-9]+)(?:\.([0-9]+))?(?:[eE]\+?([0-9]{1,2})|(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?$/.exec(text)
  if (!match) throw new Error(`not a quantity: ${text}`)
  const [, whole = '', fraction = '', exponent = '0', suffix = ''] = match
  const scale = 10n ** BigInt(fraction.length)
  const unit = milliOf.get(suffix) ?? milli
  const numerator = BigInt(whole + fraction) * unit * 10n ** BigInt(exponent)
  // Rounded up, as the API server does.
  const amount = (numerator + scale - 1n) / scale
  const most = largest * milli
  return { milli: amount > most ? most : amount, binary: suffix.endsWith('i') }
}

function print({ milli: amount, binary: isBinary }: Amount): string {
  if (amount % milli !== 0n) return `${amount}m`
  const value = amount / milli
  if (value === 0n) return '0'
  // Below 1024 a binary quantity is written as a decimal one.
  const units = isBinary && value >= 1024n ? binary : decimal
  for (const [suffix, unit] of units) if (value % unit === 0n) return `${value / unit}${suffix}`
  return `${value}`
}

/** Most quantities: below a thousand of a unit, the canonical form is the only one. */
const plain = /^[1-9][0-9]{0,2}(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/

const canonical = (text: string): string => (plain.test(text) ? text : print(parse(text)))

/** Cores: 2 → "2", "0.5" → "500m". */
export const cores = (value: number | string): string => canonical(String(value))

/** Memory or disk: 10 → "10Gi", "1024Mi" → "1Gi". */
export const gibibytes = (value: number | string): string =>
  canonical(typeof value === 'number' ? `${value}Gi` : value)

/** Whether a text is a supported quantity: the API server accepts more, such as "100n". */
export function isQuantity(text: unknown): text is string {
  try {
    return typeof text === 'string' && (plain.test(text) || Boolean(parse(text)))
  } catch {
    return false
  }
}

/** Bytes of a quantity, rounded up. */
export const bytesOf = (quantity: string): bigint => (parse(quantity).milli + milli - 1n) / milli

/** The larger of two quantities, canonical. */
export function larger(a: string, b: string): string {
  if (a === b) return canonical(a)
  const [one, other] = [parse(a), parse(b)]
  return print(one.milli >= other.milli ? one : other)
}

/** A size for people: 21474836480 → "20Gi". */
export function humanBytes(bytes: number): string {
  for (const [suffix, unit] of binary)
    if (bytes >= Number(unit)) return `${Math.round((bytes / Number(unit)) * 10) / 10}${suffix}`
  return `${bytes} bytes`
}
