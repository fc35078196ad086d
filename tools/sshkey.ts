/**
 * The private key of a Secret, as ssh reads it. For nearly every mistake, ssh reports "error in
 * libcrypto" and continues without the key, and then the host refuses the login.
 */

/** Editors and web forms leave carriage returns, indents, a byte order mark, or no final newline. */
export const unixLines = (text: string): string =>
  `${text
    .replace(/^\uFEFF/, '')
    .trim()
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .join('\n')}\n`

const whole = /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----$.*?^-----END \1PRIVATE KEY-----$/ms

interface Mistake {
  readonly made: (key: string) => boolean
  readonly says: string
}

/** The beginning of OpenSSH's own format; the name of the cipher follows, behind its length. */
const magic = 'openssh-key-v1\0'

/** What the lines between the first and the last encode. */
const inside = (key: string): Buffer => Buffer.from(key.split('\n').slice(1, -2).join(''), 'base64')

function cipherOf(key: string): string | undefined {
  const bytes = inside(key)
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined
  const start = magic.length + 4
  if (bytes.length < start) return undefined
  return bytes.toString('latin1', start, start + bytes.readUInt32BE(magic.length))
}

const hasPassphrase = (key: string): boolean =>
  /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED$/m.test(key) ||
  (cipherOf(key) ?? 'none') !== 'none'

/** The first mistake that is found is reported. No message repeats a part of the key. */
const mistakes: readonly Mistake[] = [
  {
    made: (key) =>
      /^(ssh-|ecdsa-|sk-)\S+ AAAA/.test(key) || /^-----? ?BEGIN (\w+ )?PUBLIC KEY/.test(key),
    says: 'is the public key: put the private one into the Secret, the file without .pub',
  },
  {
    made: (key) => key.startsWith('PuTTY-User-Key-File'),
    says: 'is in the format of PuTTY: convert it with puttygen KEY -O private-openssh -o NEW',
  },
  {
    made: (key) => /^-----BEGIN /.test(Buffer.from(key, 'base64').toString('latin1')),
    says: 'is encoded in base64 twice: put it into stringData, or let kubectl create secret encode it',
  },
  {
    made: (key) => !/^-----BEGIN [A-Z ]*PRIVATE KEY-----$/m.test(key),
    says: 'is no private key: its first line must be -----BEGIN … PRIVATE KEY----- alone',
  },
  {
    made: (key) => !whole.test(key),
    says: 'is not whole: its last line must be -----END … PRIVATE KEY----- alone',
  },
  {
    made: hasPassphrase,
    says: 'has a passphrase, which nobody can type here: use a key without one, made for this repository alone',
  },
  {
    made: (key) => inside(key).includes('sk-ssh-') || inside(key).includes('sk-ecdsa-'),
    says: 'needs a security key that somebody touches: use a key that is a file alone',
  },
]

/** The key with the line ends that ssh asks for, and without what openssl writes around it. */
export function sshKeyOf(text: string): string {
  const lines = unixLines(text)
  const key = unixLines(whole.exec(lines)?.[0] ?? lines)
  const mistake = mistakes.find(({ made }) => made(key))
  if (mistake)
    throw new Error(`ssh-privatekey in the Secret of build.git.secretName ${mistake.says}`)
  return key
}
