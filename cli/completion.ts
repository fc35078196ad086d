import type { Command, Option } from 'commander'
import type { Kind } from '../crds/kind.ts'
import { kindCalled, kinds } from '../crds/kinds.ts'

/** What may follow on a command line, from the commands that there are. */

export type Candidates =
  /** Words, each perhaps with a tab and what it means. */
  | { readonly words: readonly string[] }
  | { readonly files: true }
  /** What only the cluster or the kubeconfig knows; `prefix` is put before each. */
  | {
      readonly ask: 'objects'
      readonly kind: Kind
      readonly prefix: string
      /** Names that are on the line already. */
      readonly without: readonly string[]
    }
  | { readonly ask: 'namespaces' | 'contexts' | 'serviceaccounts'; readonly prefix: string }

export interface Completed {
  readonly candidates: Candidates
  /** By which the cluster is found. */
  readonly cluster: Readonly<Record<string, string>>
}

const none: Candidates = { words: [] }

/** `words` follow the program's name; the last is the one that is being typed. */
export function completed(program: Command, words: readonly string[]): Completed {
  const typed = words.at(-1) ?? ''
  const [name = '', ...before] = words.slice(0, -1)
  const help = program.createHelp()
  if (words.length <= 1) {
    const commands = help
      .visibleCommands(program)
      .map((one) => described(one.name(), one.description()))
    return { candidates: beginning({ words: commands }, typed), cluster: {} }
  }
  const command = program.commands.find((one) => one.name() === name)
  if (!command) return { candidates: none, cluster: {} }
  const options = [
    ...(name === 'open' ? openOptions(program) : []),
    ...help.visibleOptions(command),
  ]
  const { values, operands, waiting } = parsed(options, before)
  const candidates = waiting
    ? ofOption(waiting, '')
    : typed.startsWith('-')
      ? optionsFor(options, typed)
      : ofOperand(name, operands, typed)
  return { candidates: beginning(candidates, typed), cluster: values }
}

const described = (word: string, meaning: string): string =>
  meaning ? `${word}\t${meaning}` : word

/** `open` parses its own; those that find the cluster are the same everywhere. */
const openOptions = (program: Command): readonly Option[] =>
  program.commands.find((one) => one.name() === 'tree')?.options.slice(0, 3) ?? []

const beginning = (candidates: Candidates, typed: string): Candidates =>
  'words' in candidates
    ? { words: candidates.words.filter((word) => word.startsWith(typed)) }
    : candidates

const isNamed = (option: Option, word: string): boolean =>
  option.long === word || option.short === word

const takesValue = ({ required, optional }: Option): boolean => required || optional

/** What the words so far have said, and the option that waits for its value. */
function parsed(options: readonly Option[], words: readonly string[]) {
  const values: Record<string, string> = {}
  const operands: string[] = []
  let waiting: Option | undefined
  for (const word of words) {
    if (waiting) {
      values[waiting.attributeName()] = word
      waiting = undefined
      continue
    }
    const [flag = '', value] = word.startsWith('--') ? word.split('=', 2) : [word]
    const option = options.find((one) => isNamed(one, flag))
    if (option && value !== undefined) values[option.attributeName()] = value
    else if (option && takesValue(option)) waiting = option
    else if (!word.startsWith('-')) operands.push(word)
  }
  return { values, operands, waiting }
}

function optionsFor(options: readonly Option[], typed: string): Candidates {
  const [flag = '', value] = typed.split('=', 2)
  const option = options.find((one) => isNamed(one, flag))
  if (option && value !== undefined) return ofOption(option, `${flag}=`)
  return { words: options.map((one) => described(one.long ?? one.short ?? '', one.description)) }
}

const fileOptions = ['kubeconfig', 'config', 'filename', 'ca', 'tlsCert', 'tlsKey']

function ofOption(option: Option, prefix: string): Candidates {
  const name = option.attributeName()
  if (option.argChoices) return { words: option.argChoices.map((choice) => `${prefix}${choice}`) }
  if (fileOptions.includes(name) || name.endsWith('File')) return { files: true }
  if (name === 'namespace') return { ask: 'namespaces', prefix }
  if (name === 'context') return { ask: 'contexts', prefix }
  return none
}

const canBeOpened = ['notebook', 'modelserver', 'models']

/** The kinds that a command accepts, in the word that a person would write. */
const kindWords = (command: string): readonly string[] => {
  switch (command) {
    case 'open':
      return canBeOpened
    case 'rollout':
      return ['modelserver']
    case 'watch':
      return kinds.map(({ plural }) => plural)
    default:
      return kinds.map(({ singular }) => singular)
  }
}

const aboutObject = ['tree', 'logs', 'open']
const aboutObjects = ['why', 'rerun', 'suspend', 'resume', 'rollout']

function ofOperand(command: string, operands: readonly string[], typed: string): Candidates {
  if (command === 'watch') return { words: kindWords(command) }
  if (command === 'token') return operands.length ? none : { ask: 'serviceaccounts', prefix: '' }
  const isOne = aboutObject.includes(command)
  if (!isOne && !aboutObjects.includes(command)) return none
  const [word, ...more] = operands
  if (word === undefined || word.includes('/'))
    return isOne && word ? none : ofObject(command, operands, typed)
  const kind = kindCalled(word)
  return kind && !(isOne && more.length)
    ? { ask: 'objects', kind, prefix: '', without: more }
    : none
}

/** KIND, or KIND/NAME. After one KIND/NAME, all further objects must be written so. */
function ofObject(command: string, before: readonly string[], typed: string): Candidates {
  const slash = typed.indexOf('/') + 1
  const kind = slash ? kindCalled(typed.slice(0, slash - 1)) : undefined
  if (!kind) return { words: kindWords(command).map((word) => (before.length ? `${word}/` : word)) }
  const own = before
    .map((word) => word.split('/', 2))
    .filter(([word = '']) => kindCalled(word) === kind)
  const without = own.map(([, name = '']) => name)
  return { ask: 'objects', kind, prefix: typed.slice(0, slash), without }
}
