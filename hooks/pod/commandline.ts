import { filledIn, type Placeholders } from '../../crds/placeholders.ts'

/** The command and arguments of a container, as in a Pod. */
export interface CommandLine {
  readonly command?: readonly string[]
  readonly args?: readonly string[]
}

/** What runs unless the object has a command: an administrator's preset, or Jupyter. */
export interface Preset extends CommandLine {
  /** Names of the same flag, one list each; a positional argument may be among them. */
  readonly aliases?: readonly (readonly string[])[]
}

/**
 * The object's command replaces the preset's command and arguments. Its arguments are added to the
 * preset's, and a flag among them replaces the preset's flag of that name:
 *
 *     preset   {model} --name {name} --port=8080
 *     object   --name=mine --fast
 *     result   /content/model --port=8080 --name=mine --fast
 *
 * Servers disagree about a repeated flag: the last one counts, or the first, or they do not start.
 * So the preset's is removed.
 */
export function commandLine(preset: Preset, own: CommandLine, values: Placeholders): CommandLine {
  return filled(
    own.command?.length ? own : { command: preset.command, args: added(preset, own.args) },
    values,
  )
}

/** The command line with its placeholders filled in. */
export function filled({ command, args }: CommandLine, values: Placeholders): CommandLine {
  const fill = (word: string) => filledIn(word, values)
  return { command: command?.map(fill), args: args?.map(fill) }
}

function added(preset: Preset, own: readonly string[] = []) {
  const [, presetRest] = parted(preset.args ?? [])
  const [object, objectRest] = parted(own)
  const rest = presetRest.length ? [...presetRest, ...objectRest.slice(1)] : objectRest
  return [...remaining(preset, own), ...object, ...rest]
}

/** The preset's arguments before `--`, without what the object's arguments replace. */
export function remaining({ args = [], aliases = [] }: Preset, own: readonly string[] = []) {
  const [preset] = parted(args)
  const [object] = parted(own)
  if (!object.length) return preset
  const given = new Set(
    object.flatMap((word) => flagOf(word) ?? []).map((flag) => nameOf(flag, aliases)),
  )
  return preset.filter((_, at) => {
    const replaced = flagAt(preset, at) ?? preset[at] ?? ''
    return !given.has(nameOf(replaced, aliases))
  })
}

/** The words before `--`, and the words from `--` on, none of which is a flag. */
function parted(words: readonly string[]): readonly [readonly string[], readonly string[]] {
  const at = words.indexOf('--')
  return at < 0 ? [words, []] : [words.slice(0, at), words.slice(at)]
}

/** The flag in a word: `--a` in `--a=b`, `-a` in `-a=b` and `-a8`; none in `-1`, `-` and `-a text`. */
function flagOf(word: string): string | undefined {
  const [, long, short] =
    /^(?:(--[A-Za-z][^\s=]*)(?:=.*)?|(-[A-Za-z][A-Za-z_-]*)(?:[^A-Za-z\s].*)?)$/s.exec(word) ?? []
  return long ?? short
}

/** The flag at an index: the word itself, or the flag whose value it is, as in `--names a b`. */
function flagAt(words: readonly string[], at: number): string | undefined {
  const start = words.slice(0, at + 1).findLastIndex((word) => flagOf(word))
  const word = words[start]
  const flag = word && flagOf(word)
  return start === at || flag === word ? flag : undefined
}

/** One name for `--a` and `--no-a`, for `--a_b` and `--a-b`, and for aliases. */
function nameOf(flag: string, aliases: readonly (readonly string[])[]): string {
  const name = spelled(flag)
  const names = aliases.find((group) => group.some((alias) => spelled(alias) === name))
  return spelled(names?.[0] ?? name)
}

const spelled = (flag: string): string => flag.replaceAll('_', '-').replace(/^--no-/, '--')
