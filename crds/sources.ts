import { host, portRule, printable } from './addressrules.ts'
import { type CelRule, string } from './schema/builders.ts'

/** spec.source: where data or a model is loaded from. */

const hub = 'https?://(www[.])?(huggingface|hf)[.]co'

/** `ORG/NAME`, and the revision of a page that has one: the API server cannot weigh parts of a split. */
const repository =
  "self.substring(self.find('^https?://[^/]+/(datasets/)?').size()).find('^[^/?#]+/[^/?#]+')"
const revision = "self.find('/(tree|commits?)/[^/?#]+').find('[^/]+$')"

/** The page of a repository, or of one of its revisions. */
const repositoryPage = (folder: string) =>
  `^${hub}/${folder}[^/?#]+/[^/?#]+(/?|/(tree|commits?)/[^?#]*)([?#].*)?$`

/** What to write instead, as CEL; the hub's models and datasets may have the same names. */
const writeRepository = (kind: string): string => {
  const words = `'this is the page of a ${kind.toLowerCase()}, not a file: as the source of a ${kind} write hf://' + ${repository}`
  return `self.matches('/(tree|commits?)/[^/?#]') ? ${words} + '@' + ${revision} : ${words}`
}

const someRepository = 'this is the page of a repository, not a file: write hf://ORG/NAME'

/** A page about a file, where another word in its address leads to the file. */
const filePage = (address: string, page: string, file: string): CelRule => ({
  rule: `!self.matches('${address}${page}')`,
  message: `this is a page about a file: write "${file}" in place of "${page}"`,
  // A fragment that is no checksum is of the page, such as the number of a line.
  messageExpression: `'this is a page about a file: write ' + self.find('${address}') + '${file}' + self.find('^[^#]*(#sha256=.*)?').substring((self.find('${address}') + '${page}').size())`,
})

/** Web pages about a file or a repository, of which the loader would load the HTML. */
const pages: readonly CelRule[] = [
  {
    rule: `!self.matches('${repositoryPage('datasets/')}')`,
    message: 'this is the page of a dataset, not a file: write hf://ORG/NAME',
    messageExpression: writeRepository('Dataset'),
  },
  {
    rule: `self.matches('^${hub}/api/') || !self.matches('${repositoryPage('')}')`,
    message: someRepository,
    messageExpression: `self.matches('^${hub}/(datasets|spaces|collections|papers|docs|blog|learn)/') ? '${someRepository}' : ${writeRepository('Model')}`,
  },
  filePage(`^${hub}/(datasets/)?[^/?#]+/[^/?#]+`, '/blob/', '/resolve/'),
  filePage('^https?://(www[.])?github[.]com/[^/?#]+/[^/?#]+', '/blob/', '/raw/'),
  // GitLab, on any host: the folders before are none that is called "-".
  filePage('^https?://[^/?#@]+(/-*[^-/?#][^/?#]*)+', '/-/blob/', '/-/raw/'),
]

/** Of an address with credentials nothing is said but that: other rules echo it. */
const hasCredentials = "self.matches('^[a-z0-9]+://[^/]*@')"

export const source = string(
  'Where to load from: hf://org/name[@revision], https://…, s3://bucket/prefix, gs://bucket/prefix, or pvc://claim/path, which is used where it is.',
  {
    minLength: 1,
    maxLength: 2048,
    'x-kubernetes-validations': [
      {
        rule: [
          "self.matches('^hf://[A-Za-z0-9][-A-Za-z0-9_.]*/[A-Za-z0-9][-A-Za-z0-9_.]*(@[-A-Za-z0-9_./]+)?$')",
          `self.matches('^https?://${host}/${printable}*$')`,
          `self.matches('^(s3|gs)://[a-z0-9][-a-z0-9._]*(/${printable}*)?$')`,
          `self.matches('^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/${printable}*)?$')`,
        ].join(' || '),
        message:
          'must be hf://ORG/NAME[@REVISION], https://HOST/PATH, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or pvc://CLAIM/PATH',
      },
      { rule: "!self.split('/').exists(part, part == '..')", message: 'must not contain ".."' },
      {
        rule: "!self.matches('^pvc://.*//')",
        message: 'must not contain an empty folder: write pvc://CLAIM/PATH with single "/"',
      },
      portRule('https?', hasCredentials),
      {
        rule: `!self.matches('^https?://') || ${hasCredentials} || self.matches('^[^#]*(#(sha256=[0-9A-Fa-f]{64})?)?$')`,
        message: 'what follows "#" must be sha256= and the 64 hexadecimal digits of the file',
      },
      ...pages,
    ],
  },
)

/** A rule of the whole spec: the API server would echo the value of a broken field. */
export const sourceWithoutCredentials: CelRule = {
  rule: "!has(self.source) || !self.source.matches('^[a-z0-9]+://[^/]*@')",
  message: 'must not hold credentials: put them into a Secret and name it in env',
  fieldPath: '.source',
  reads: ['source'],
}
