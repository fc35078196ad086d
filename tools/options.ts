/** `--name=value`; each option may be repeated. */
export type Options = Readonly<Record<string, readonly string[]>>

export function optionsOf(words: readonly string[]): Options {
  const options: Record<string, string[]> = {}
  for (const word of words) {
    const [, name, value] = /^--([a-z-]+)=(.*)$/s.exec(word) ?? []
    if (!name || value === undefined) throw new Error(`"${word}" is not --name=value`)
    options[name] = [...(options[name] ?? []), value]
  }
  return options
}

export const optional = (options: Options, name: string): string | undefined =>
  options[name]?.at(-1) || undefined

export function required(options: Options, name: string): string {
  const value = optional(options, name)
  if (value === undefined) throw new Error(`--${name} is missing`)
  return value
}
