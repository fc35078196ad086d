import { existsSync, readFileSync } from 'node:fs'
import { credentialFiles } from './credentials.ts'

/**
 * Many people can read what the tools print and report: the termination message reaches everyone who
 * may view the object. So every credential of this process is replaced by its name in brackets, in
 * every usual encoding.
 */

export interface Secret {
  readonly name: string
  readonly value: string
}

type Env = Readonly<Record<string, string | undefined>>

/** Shorter values are words and numbers that occur in any text. */
const minLength = 6

/** `TOKEN` and `API_KEY`, but neither `TOKENIZER` nor the URL of a token server. */
const secretName =
  /^(?!.*_ur[il]$)(.*(secret|passw|passphrase|credential)|.*(key|token)s?(?![a-z])|(.*_)?(pass|pat|auth|cookie|signature)(_|$))/i

/** Values that are recognizable as credentials, whatever their name is. */
const secretValue =
  /^(hf_|gh[pousr]_|github_pat_|glpat-|xox[a-z]-|sk-|AKIA|ASIA|ya29\.|eyJ[\w-]+\.)|-----BEGIN [A-Z ]*PRIVATE KEY-----/

/** A password inside a URL, for example of a proxy. */
const passwords = (name: string, value: string): readonly Secret[] =>
  [...value.matchAll(/:\/\/[^/\s:@]*:([^/\s@]+)@/g)].flatMap(([, password = '']) => [
    { name, value: password },
    { name, value: decoded(password) },
  ])

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The members of a JSON key that are secret by themselves: each may be printed alone. */
function members(name: string, value: unknown): readonly Secret[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]): readonly Secret[] => {
    if (typeof inner !== 'string') return members(name, inner)
    return secretName.test(key) || secretValue.test(inner) ? valuesOf(name, inner) : []
  })
}

const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString('utf8')

/** A value, and the secrets inside it. */
function valuesOf(name: string, value: string): readonly Secret[] {
  const lines = value.includes('\n') ? value.split('\n').map((line) => line.trim()) : []
  return [
    { name, value },
    { name, value: value.trim() },
    // Programs print line by line; the first and last line of a PEM key are not secret.
    ...lines
      .filter((line) => line.length >= 16 && !line.startsWith('-----'))
      .map((line) => ({ name, value: line })),
    ...members(name, parsed(value)),
    // Docker stores USER:PASSWORD in base64.
    ...(/^[\w+/]{8,}={0,2}$/.test(value) && /^[ -~]+:[ -~]+$/.test(fromBase64(value))
      ? [{ name, value: fromBase64(value).replace(/^[^:]*:/, '') }]
      : []),
  ]
}

/** The credentials of an environment; a value that names an existing file is not a credential. */
export const secretsOf = (env: Env, isFile: (path: string) => boolean): readonly Secret[] =>
  Object.entries(env).flatMap(([name, value = '']) => [
    ...passwords(name, value),
    ...((secretName.test(name) || secretValue.test(value)) && !isFile(value)
      ? valuesOf(name, value)
      : []),
  ])

/** A string as JSON, Go and Python escape it, without the quotes around it. */
const quoted = (text: string): readonly string[] => {
  const json = JSON.stringify(text).slice(1, -1)
  return [
    json,
    JSON.stringify(json).slice(1, -1),
    json.replaceAll('/', '\\/'),
    json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
    text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'),
    text.replaceAll('\n', '\\n'),
  ]
}

const percent = (text: string): readonly string[] => {
  const uri = encodeURIComponent(text.toWellFormed())
  const strict = uri.replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return [uri, strict, strict.replaceAll('%20', '+'), encodeURI(text.toWellFormed())].flatMap(
    (one) => [one, one.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())],
  )
}

/** A text in base64, alone or inside a longer text like USER:PASSWORD, at each of three offsets. */
function base64(text: string): readonly string[] {
  const whole = Buffer.from(text)
  const inside = [0, 1, 2].map((offset) => {
    const all = Buffer.concat([Buffer.alloc(offset), whole])
      .toString('base64')
      .replace(/=+$/, '')
    const from = offset && offset + 1
    // The characters at both ends also encode bits of the text before and after.
    return all.slice(from, (offset + whole.length) % 3 ? -1 : undefined)
  })
  // Tools wrap long lines.
  const wrapped = [64, 76].flatMap((width) =>
    whole.length > width
      ? (whole.toString('base64').match(new RegExp(`.{${width}}`, 'g')) ?? [])
      : [],
  )
  return [...inside, ...wrapped].flatMap((one) => [
    one,
    one.replaceAll('+', '-').replaceAll('/', '_'),
  ])
}

function spellings(value: string): readonly string[] {
  const hex = Buffer.from(value).toString('hex')
  return [
    value,
    ...quoted(value),
    ...percent(value),
    ...quoted(value).flatMap(percent),
    ...base64(value),
    hex,
    hex.toUpperCase(),
  ]
}

/** A function that removes secrets from a text. */
export function cleaner(secrets: readonly Secret[]): (text: string) => string {
  const known = new Map<string, string>()
  for (const { name, value } of secrets) {
    if (value.length < minLength) continue
    for (const spelling of spellings(value))
      if (spelling.length >= minLength && !known.has(spelling)) known.set(spelling, `[${name}]`)
  }
  // The longest first: one may be part of another.
  const all = [...known].sort(([a], [b]) => b.length - a.length)
  return (text) => all.reduce((rest, [from, to]) => rest.replaceAll(from, () => to), text)
}

/** The secrets in files that are mounted into the tools, in addition to the environment. */
function fileSecrets(env: Env): readonly Secret[] {
  const { push, pull } = credentialFiles(env)
  const registries = [push, ...pull]
  return ['/secrets/git/password', '/secrets/git/ssh-privatekey', ...registries].flatMap((path) => {
    try {
      const text = readFileSync(path, 'utf8')
      return registries.includes(path) ? members('registry', parsed(text)) : valuesOf('git', text)
    } catch {
      return []
    }
  })
}

/** Removes this process's own credentials from a text. */
export const cleaned: (text: string) => string = cleaner([
  ...secretsOf(process.env, existsSync),
  ...fileSecrets(process.env),
])

/** A line that is longer is passed on in pieces. */
const maxLine = 1 << 20

/**
 * Cleans a stream. A secret may be split over two chunks, so only whole lines are passed on. `end`
 * returns the rest.
 */
export function lineCleaner(clean: (text: string) => string = cleaned) {
  let rest = ''
  return {
    push(chunk: string): string {
      rest += chunk
      const end = Math.max(rest.lastIndexOf('\n'), rest.lastIndexOf('\r')) + 1
      if (end === 0 && rest.length > maxLine) {
        // Its end may be the beginning of a secret.
        const text = clean(rest)
        rest = text.slice(-maxLine / 2)
        return text.slice(0, -maxLine / 2)
      }
      const text = rest.slice(0, end)
      rest = rest.slice(end)
      return text && clean(text)
    },
    end(): string {
      const text = clean(rest)
      rest = ''
      return text
    },
  }
}
