/**
 * How a command line names the model. vLLM knows its model by that name alone, and takes the last of several
 * flags and the first of several names; llama.cpp answers to any name.
 */

/** The flags of servers that name the model; the presets give each of them the Model's name. */
const namingFlags: readonly string[] = ['--served-model-name', '--alias', '-a']

/** The word `FLAG=NAME` that gives the name, however it was written; undefined if no flag does. */
export function namingWord(words: readonly string[]): string | undefined {
  for (let at = words.length - 1; at >= 0; at--) {
    const [flag = '', value] = inTwo(words[at])
    const name = namingFlags.includes(flag.replaceAll('_', '-'))
      ? (value ?? valueIn(words[at + 1]))
      : undefined
    if (name) return `${flag}=${name}`
  }
  return undefined
}

const inTwo = (word = ''): readonly string[] => word.split(/=(.*)/s)

/** A word that may be the value of the flag before it. */
const valueIn = (word: string | undefined): string | undefined =>
  word?.startsWith('-') ? undefined : word

/** The name that a command line gives to the model; undefined: the program has a name of its own. */
export const nameGiven = (words: readonly string[]): string | undefined =>
  inTwo(namingWord(words))[1]
