import type { HashPart } from './kind.ts'
import {
  anything,
  boolean,
  type CelRule,
  choice,
  integer,
  intOrString,
  list,
  map,
  object,
  string,
  type TypeOf,
} from './schema/builders.ts'

/** Fields that several kinds share. */

/** A DNS-1123 label, as Kubernetes names Secrets and the like. */
const dnsName = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'

/** Neither white space nor a control character, escaped for a string in CEL. */
const printable = '[^\\\\x00-\\\\x20\\\\x7f-\\\\x9f]'
const host = '[^/\\\\x00-\\\\x20\\\\x7f]+'

/** 0 to 65535, or nothing: then it is the scheme's own. */
const port = '0*([0-9]{0,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])'

const beforeColon = "self.find('^[a-z]+://[^/:]+')"
const afterColon = `self.substring(${beforeColon}.size() + 1)`

/**
 * Of an address that begins so, the port is a number: `ssh://git@host:path` is neither of the two
 * spellings that Git knows. An address with credentials is another rule's, which does not echo it.
 */
const portRule = (schemes: string, credentials: string): CelRule => ({
  rule: [
    `!self.matches('^(${schemes})://[^/]+/')`,
    credentials,
    `self.matches('^[a-z]+://([^/]*@)?([^/:@]+|[[][0-9A-Fa-f:.]+])(:${port})?/')`,
  ].join(' || '),
  message: 'the port must be a number from 1 to 65535',
  messageExpression: [
    "self.matches('^[a-z]+://[^/:]+:[^/:]*[^/:0-9][^/:]*/')",
    `? '"' + ${afterColon}.find('^[^/]*') + '" is no port: write ' + ${beforeColon} + '/' + ${afterColon}`,
    ": 'the port must be a number from 1 to 65535'",
  ].join(' '),
})

const git = object(
  'Where the source is.',
  {
    url: string(
      'An https:// or ssh:// address. Credentials belong in the Secret of secretName, never in the address.',
      {
        minLength: 1,
        maxLength: 2048,
        'x-kubernetes-validations': [
          {
            rule: "!self.startsWith('-')",
            message: 'must not begin with "-"',
          },
          {
            rule: `self.startsWith('-') || self.matches('^(https|http|ssh)://${host}/${printable}+$')`,
            messageExpression:
              "self.matches('^[^/@]+@[^/:]+:') ? 'write git@host:path as ssh://git@host/path' : 'must be https://HOST/PATH or ssh://HOST/PATH'",
          },
          portRule(
            'https|http|ssh',
            "self.matches('^https?://[^/]*@') || self.matches('^ssh://[^/@]*:[^/]*@')",
          ),
        ],
      },
    ),
    path: string('The folder of the repository that holds the Dockerfile; default the root.', {
      maxLength: 1024,
      'x-kubernetes-validations': [
        {
          rule: "!self.startsWith('/') && !self.startsWith('-') && !self.split('/').exists(part, part == '..')",
          message: 'must be a folder inside the repository: no leading "/" or "-", no ".."',
        },
      ],
    }),
    branch: string('A branch; its newest commit is built. Default: the repository’s own.', {
      minLength: 1,
      maxLength: 255,
      pattern: '^[^-\\s][^\\s]*$',
    }),
    tag: string('A tag.', { minLength: 1, maxLength: 255, pattern: '^[^-\\s][^\\s]*$' }),
    commit: string('A commit, by its full hash.', { pattern: '^([0-9a-f]{40}|[0-9a-f]{64})$' }),
    secretName: string(
      'A Secret of type kubernetes.io/basic-auth or kubernetes.io/ssh-auth in the same namespace; known_hosts and ca.crt in it are used too.',
      { pattern: dnsName, maxLength: 253 },
    ),
  },
  {
    required: ['url'],
    'x-kubernetes-validations': [
      {
        rule: '[has(self.branch), has(self.tag), has(self.commit)].filter(given, given).size() <= 1',
        message: 'set at most one of branch, tag and commit',
        reads: ['branch?', 'tag?', 'commit?'],
      },
      // A rule of the whole object: the API server would echo the value of a broken field.
      {
        rule: "!self.url.matches('^https?://[^/]*@') && !self.url.matches('^ssh://[^/@]*:[^/]*@')",
        message: 'must not hold credentials: put them into a Secret and name it in secretName',
        fieldPath: '.url',
        reads: ['url'],
      },
    ],
  },
)

const insideFile = {
  rule: "!self.startsWith('/') && !self.startsWith('-') && !self.split('/').exists(part, part == '..')",
  message: 'must be a file inside the folder of git.path: no leading "/" or "-", no ".."',
}

const build = object(
  'Build the image from Git.',
  {
    git,
    dockerfile: string('The Dockerfile, relative to git.path; default Dockerfile.', {
      minLength: 1,
      maxLength: 1024,
      'x-kubernetes-validations': [insideFile],
    }),
    target: string('The stage of the Dockerfile to build; default the last.', {
      maxLength: 128,
      pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$',
    }),
    args: map(
      'Build arguments. They are visible in the image, so they must not contain secrets.',
      string('The value.', { maxLength: 4096 }),
      {
        maxProperties: 64,
        'x-kubernetes-validations': [
          {
            rule: "self.all(name, name.matches('^[A-Za-z_][A-Za-z0-9_]*$'))",
            message: 'names of build arguments are letters, digits and "_"',
          },
        ],
      },
    ),
  },
  { required: ['git'] },
)
export type Build = TypeOf<typeof build>

export const quantityPattern = '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$'

export const coresPattern = '^[0-9]+(\\.[0-9]+)?m?$'

const gibibytes = (what: string) =>
  intOrString(`${what} An integer is gibibytes, a string a Kubernetes quantity such as "500Mi".`, {
    pattern: quantityPattern,
    minimum: 1,
    maxLength: 32,
    'x-kubernetes-validations': [
      {
        rule: "type(self) != string || !self.matches('^[0.]+[A-Za-z]*$')",
        message: 'must be more than 0',
      },
      {
        rule: "type(self) != string || !self.matches('^[0-9]+([.][0-9]+)?$') || self.matches('^[0.]+$')",
        messageExpression:
          "'\"' + string(self) + '\" would be ' + string(self) + ' bytes: write ' + string(self) + ' without quotes for gibibytes, or \"' + string(self) + 'Gi\"'",
      },
    ],
  })

const gpu = object('Accelerators.', {
  type: string(
    'One of the administrator’s profiles, for instance nvidia-l4. Alone it means count 1.',
    {
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
      maxLength: 63,
    },
  ),
  count: integer('How many. Alone it means any GPU: the default profile. 0 means none.', {
    minimum: 0,
    maximum: 1024,
  }),
})

const resources = object(
  'What the containers request. GPUs are limits too; CPU and memory only where the administrator has set config.limits.',
  {
    cpu: intOrString(
      'An integer is cores, a string a Kubernetes quantity such as "500m". Default 2.',
      {
        pattern: coresPattern,
        minimum: 1,
        maxLength: 32,
      },
    ),
    memory: gibibytes('Memory; default 10.'),
    disk: gibibytes('Space for artifacts, or for the home of a Notebook.'),
    gpu,
  },
)
export type Resources = TypeOf<typeof resources>

const runPolicy = object('The policy of the Job that loads, imports or trains.', {
  backoffLimit: integer(
    'Retries before the Job counts as failed. Default: 2 for a Dataset and an import, 0 for a training.',
    {
      minimum: 0,
      maximum: 100,
      format: 'int32',
    },
  ),
  activeDeadlineSeconds: integer('Its deadline; default none.', {
    minimum: 1,
    maximum: 2147483647,
    format: 'int64',
  }),
  ttlSecondsAfterFinished: integer(
    'When a finished Job is deleted; default: it stays until the next one. Its result remains.',
    { minimum: 0, maximum: 2147483647, format: 'int32' },
  ),
})
export type RunPolicy = TypeOf<typeof runPolicy>

/** `${{ secrets.NAME.KEY }}` as the whole value. Without a backslash, the pattern is the same in CEL. */
export const secretReference =
  '^[$][{][{][ ]*secrets[.]([a-z0-9]([-a-z0-9]*[a-z0-9])?)[.]([-._a-zA-Z0-9]+)[ ]*[}][}]$'

const env = map(
  'Environment variables. A value that is exactly ${{ secrets.NAME.KEY }} is read from that Secret by the kubelet.',
  string('The value.', { maxLength: 8192 }),
  {
    maxProperties: 128,
    'x-kubernetes-validations': [
      {
        rule: "self.all(name, name.matches('^[-._a-zA-Z][-._a-zA-Z0-9]*$'))",
        message:
          'names of environment variables are letters, digits, "_", "-" and ".", and begin with no digit',
      },
      {
        rule: `self.all(name, !self[name].contains('\${{') || self[name].matches('${secretReference}'))`,
        message:
          'a value that refers to a Secret must be exactly ${{ secrets.NAME.KEY }}, with nothing before or after it',
      },
    ],
  },
)

/** Visible ASCII: kubectl prints it as a column, and a terminal would interpret other characters. */
export const imagePattern = '^[!-,.-~][!-~]*$'

const words = (what: string) => list(what, string('A word.'), { maxItems: 1024 })

/** The fields of a kind whose description says how they combine with a preset, or with our own program. */
export const commandLine = (command: string, args: string) => ({
  command: words(command),
  args: words(args),
})

/** Spec fields of all four kinds. */
export const specFields = {
  image: string('A ready container image.', {
    minLength: 1,
    maxLength: 512,
    pattern: imagePattern,
  }),
  build,
  ...commandLine('The command, as in a container.', 'Its arguments, as in a container.'),
  env,
  params: map(
    'Scalars for the container: /content/params.json, and PARAM_<UPPER_NAME> each. At most 64 KiB.',
    anything('A string, number or boolean.'),
    { maxProperties: 512 },
  ),
  resources,
  suspend: boolean('Stops what runs; stored data remains.'),
  imagePullSecrets: list(
    'Names of Secrets for private images, besides the administrator’s own.',
    string('A Secret’s name.', { pattern: dnsName, maxLength: 253 }),
    { maxItems: 16, 'x-kubernetes-list-type': 'set' },
  ),
}

/** Which hash each field is part of. */
export const hashedFields = {
  image: 'inputs',
  build: 'inputs',
  command: 'inputs',
  args: 'inputs',
  env: 'inputs',
  params: 'inputs',
  resources: 'attempt',
  suspend: 'neither',
  imagePullSecrets: 'neither',
} as const satisfies Readonly<Record<keyof typeof specFields, HashPart>>

/** The same for each resource: a disk that grows during a training must not end the training. */
export const hashedResources = {
  cpu: 'attempt',
  memory: 'attempt',
  gpu: 'attempt',
  disk: 'neither',
} as const satisfies Readonly<Record<keyof Resources, HashPart>>

export const runPolicyField = { runPolicy }

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

/** A reference to another object of the same namespace, by name. */
export const reference = (what: string) =>
  object(
    what,
    {
      name: string('Its name; the namespace is always this object’s own.', {
        minLength: 1,
        maxLength: 50,
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      }),
    },
    { required: ['name'] },
  )

export const strategy = choice(
  'How a changed server replaces the old one. Default: with one replica Recreate where the old Pod holds a GPU or the ReadWriteOnce claim of the Model, else RollingUpdate.',
  ['RollingUpdate', 'Recreate'],
)
