import { host, portRule, printable } from './addressrules.ts'
import { dnsName } from './names.ts'
import { map, object, string, type TypeOf } from './schema/builders.ts'

/** spec.build: an image out of Git. */

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
    tag: string('A tag; its commit is built.', {
      minLength: 1,
      maxLength: 255,
      pattern: '^[^-\\s][^\\s]*$',
    }),
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

export const build = object(
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
