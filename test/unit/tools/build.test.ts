import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { buildctlArgs, buildFault, dockerfileIn, stepProxies } from '../../../tools/build.ts'
import { daemonConfig } from '../../../tools/buildkitd.ts'
import { refOf } from '../../../tools/clone.ts'
import { addressOf, credentialHelper } from '../../../tools/gitaccess.ts'
import { clonedFault } from '../../../tools/gitwords.ts'
import { optionsOf, required } from '../../../tools/options.ts'

describe('the Dockerfile', () => {
  let context: string
  beforeEach(() => {
    context = realpathSync(mkdtempSync(join(tmpdir(), 'substratus-build-')))
    mkdirSync(join(context, 'train'))
    writeFileSync(join(context, 'train/Dockerfile'), 'FROM scratch')
    writeFileSync(join(context, 'train/cuda.Dockerfile'), 'FROM scratch')
    mkdirSync(join(context, 'serve'))
    symlinkSync('../train/Dockerfile', join(context, 'serve/Dockerfile'))
    symlinkSync('train', join(context, 'latest'))
  })
  afterEach(() => rmSync(context, { recursive: true }))

  test.each([
    { path: 'train', dockerfile: undefined, found: 'train/Dockerfile' },
    { path: 'train', dockerfile: 'cuda.Dockerfile', found: 'train/cuda.Dockerfile' },
    { path: 'serve', dockerfile: undefined, found: 'train/Dockerfile' },
    { path: 'latest', folder: 'train', dockerfile: undefined, found: 'train/Dockerfile' },
  ])('of $path is $found', ({ path, folder = path, dockerfile, found }) => {
    expect(dockerfileIn(context, path, dockerfile)).toEqual({
      folder: join(context, folder),
      dockerfile: join(context, found),
    })
  })

  test.each([
    { path: 'trian', says: 'the repository has no folder "trian"' },
    {
      path: undefined,
      says: 'the repository has no "Dockerfile": set build.git.path or build.dockerfile',
    },
    {
      path: 'train',
      dockerfile: 'x',
      says: 'the repository has no "train/x": set build.git.path or build.dockerfile',
    },
  ])('that does not exist: $says', ({ path, dockerfile, says }) => {
    expect(() => dockerfileIn(context, path, dockerfile)).toThrow(says)
  })
})

const wanted = {
  folder: '/source/train',
  dockerfile: '/source/train/cuda.Dockerfile',
  target: 'final',
  args: ['VERSION=1'],
  image: '10.0.0.1:5001/ns/model-it:tag',
  source: { url: 'https://git/x.git', commit: 'abc' },
  metadata: '/m.json',
  proxies: {},
  cached: false,
}

test('the image has its origin as labels', () => {
  const args = buildctlArgs(wanted)
  for (const arg of [
    '--opt=filename=cuda.Dockerfile',
    '--opt=target=final',
    '--opt=build-arg:VERSION=1',
    '--opt=label:org.opencontainers.image.source=https://git/x.git',
    '--opt=label:org.opencontainers.image.revision=abc',
    '--opt=label:ai.substratus.created-by=substratus build',
    '--output=type=image,name=10.0.0.1:5001/ns/model-it:tag,push=true,oci-mediatypes=true',
  ])
    expect(args).toContain(arg)
})

test('a cache is stored next to the image only if the administrator enables it', () => {
  const caches = (cached: boolean) =>
    buildctlArgs({ ...wanted, cached }).filter((arg) => arg.includes('cache'))
  const ref = 'type=registry,ref=10.0.0.1:5001/ns/model-it:cache'
  expect(caches(true)).toEqual([
    `--import-cache=${ref}`,
    expect.stringMatching(new RegExp(`^--export-cache=${ref},`)),
  ])
  expect(caches(false)).toEqual([])
})

test('the proxies of spec.env are for the steps of a build, in both spellings', () => {
  const proxies = stepProxies({ STEP_https_proxy: 'http://proxy:1', HTTP_PROXY: 'http://own:1' })
  const opts = buildctlArgs({ ...wanted, proxies }).filter((arg) => /proxy/i.test(arg))
  expect(opts).toEqual([
    '--opt=build-arg:HTTPS_PROXY=http://proxy:1',
    '--opt=build-arg:https_proxy=http://proxy:1',
  ])
})

test('a proxy in build.args, in either spelling, replaces that of spec.env', () => {
  const proxies = stepProxies({ STEP_HTTPS_PROXY: 'http://a:1', STEP_NO_PROXY: '.b' })
  const args = ['https_proxy=http://own:1', 'VERSION=1']
  const opts = buildctlArgs({ ...wanted, args, proxies }).filter((arg) => /proxy/i.test(arg))
  expect(opts).toEqual([
    '--opt=build-arg:NO_PROXY=.b',
    '--opt=build-arg:no_proxy=.b',
    '--opt=build-arg:https_proxy=http://own:1',
  ])
})

test('plain HTTP is used only for the administrator’s registry', () => {
  expect(daemonConfig('10.0.0.1:5001', true)).toBe('[registry."10.0.0.1:5001"]\n  http = true\n')
  expect(daemonConfig('ghcr.io', false)).toBe('')
})

describe('a build that fails says', () => {
  const image = 'r/ns/model-it:tag'
  test.each([
    {
      when: 'a step that fails, with its last lines',
      output: [
        '#1 [internal] load build definition from Dockerfile',
        '#5 [2/3] RUN pip install nosuch',
        '#5 0.312 Looking in indexes',
        '#5 1.100 ERROR: No matching distribution found for nosuch',
        '#5 ERROR: process "/bin/sh -c pip install nosuch" did not complete successfully: exit code: 1',
        '------',
        ' > [2/3] RUN pip install nosuch:',
        '------',
        'error: failed to solve: process "/bin/sh -c pip install nosuch" did not complete successfully: exit code: 1',
      ],
      says: [
        'Looking in indexes',
        'ERROR: No matching distribution found for nosuch',
        'the step "RUN pip install nosuch" failed with 1',
      ],
    },
    {
      when: 'a push that is refused',
      output: [
        'error: failed to solve: failed to push r/ns/model-it:tag: unexpected status from POST request to https://r/v2/: 403 Forbidden',
      ],
      says: [
        'cannot push r/ns/model-it:tag: unexpected status from POST request to https://r/v2/: 403 Forbidden',
      ],
    },
    {
      when: 'a registry whose certificate is not trusted, with the remedy',
      output: [
        'error: failed to solve: failed to push r/ns/model-it:tag: Head "https://r/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
      ],
      says: [
        'cannot push r/ns/model-it:tag: Head "https://r/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority: its certificate is not trusted: if it comes from a private CA, set CA_CERTIFICATES in builder.env of the configuration',
      ],
    },
    {
      when: 'a Dockerfile that cannot be read',
      output: [
        'error: failed to solve: dockerfile parse error on line 1: unknown instruction: FORM',
      ],
      says: ['the build failed: dockerfile parse error on line 1: unknown instruction: FORM'],
    },
  ])('$when', ({ output, says }) => {
    expect(buildFault(output.join('\n'), image)).toBe(says.join('\n'))
  })
})

test.each([
  { what: 'a branch', wanted: { branch: 'a/b' }, ref: 'refs/heads/a/b' },
  { what: 'a tag', wanted: { tag: 'v1' }, ref: 'refs/tags/v1' },
  { what: 'a commit', wanted: { commit: 'abc' }, ref: 'abc' },
  { what: 'nothing in particular', wanted: {}, ref: 'HEAD' },
])('$what is fetched as $ref', ({ wanted, ref }) => {
  expect(refOf({ url: 'https://git', ...wanted })).toBe(ref)
})

describe('a clone that fails says', () => {
  const url = 'https://git/x.git'
  test.each([
    {
      output: "fatal: couldn't find remote ref refs/heads/nope",
      wanted: { branch: 'nope' },
      says: `${url} has no branch "nope"`,
    },
    {
      output: "fatal: couldn't find remote ref refs/tags/v9",
      wanted: { tag: 'v9' },
      says: `${url} has no tag "v9"`,
    },
    {
      output: 'fatal: remote error: upload-pack: not our ref abc',
      wanted: { commit: 'abc' },
      says: `${url} has no commit "abc"`,
    },
    {
      output: "fatal: couldn't find remote ref HEAD",
      wanted: {},
      says: `${url} is empty: there is no commit to build`,
    },
    {
      output: "fatal: could not read Username for 'https://git': terminal prompts disabled",
      wanted: {},
      says: `${url} asks for credentials: name a basic-auth or ssh-auth Secret in build.git.secretName`,
    },
    {
      output: "fatal: Authentication failed for 'https://git/x.git/'",
      wanted: {},
      secret: true,
      says: `${url} refuses the credentials of the Secret in build.git.secretName`,
    },
    {
      output: "fatal: repository 'https://git/x.git/' not found",
      wanted: {},
      says: `${url} does not exist, or is private: then name a Secret in build.git.secretName`,
    },
    {
      output: 'Host key verification failed.\nfatal: Could not read from remote repository.',
      wanted: {},
      says: `${url}: the host key is not known: put known_hosts into the Secret, or ask the administrator for git.knownHosts`,
    },
    {
      output:
        '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\nfatal: Could not read from remote repository.',
      wanted: {},
      says: `${url}: the host has another key than known_hosts says: compare both with what the host publishes`,
    },
    {
      output:
        "fatal: unable to access 'https://git/x.git/': server certificate verification failed. CAfile: none CRLfile: none",
      wanted: {},
      says: `${url}: its certificate cannot be trusted: put its authority's as ca.crt into the Secret, or ask the administrator for git.caBundle`,
    },
    {
      output: "fatal: unable to access 'https://git/x.git/': Could not resolve host: git",
      wanted: {},
      says: `${url} cannot be reached: Could not resolve host: git`,
    },
    {
      output:
        "fatal: unable to access 'https://git/x.git/': Failed to connect to git port 443 after 0 ms: Couldn't connect to server",
      wanted: {},
      says: `${url} cannot be reached: Failed to connect to git port 443 after 0 ms: Couldn't connect to server`,
    },
  ])('$says', ({ output, wanted, secret = false, says }) => {
    expect(clonedFault(output, { url, ...wanted }, secret)).toBe(says)
  })
})

describe('of a clone over ssh that fails, the error is the message of ssh, not the advice of Git', () => {
  const url = 'ssh://git@host/x.git'
  const advice = [
    'fatal: Could not read from remote repository.',
    '',
    'Please make sure you have the correct access rights',
    'and the repository exists.',
  ]
  test.each([
    {
      output: ['ssh: Could not resolve hostname host: Name or service not known'],
      says: 'cannot be reached: Could not resolve hostname host: Name or service not known',
    },
    {
      output: ['ssh: connect to host 10.0.0.1 port 22: Connection refused\r'],
      says: 'cannot be reached: connect to host 10.0.0.1 port 22: Connection refused',
    },
    {
      output: ['ssh: connect to host 10.0.0.1 port 22: No route to host'],
      says: 'cannot be reached: connect to host 10.0.0.1 port 22: No route to host',
    },
    {
      output: ['kex_exchange_identification: Connection closed by remote host'],
      says: 'cannot be reached: kex_exchange_identification: Connection closed by remote host',
    },
    {
      output: [
        'Warning: Permanently added "host" (ED25519) to the list of known hosts.',
        'Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa',
      ],
      says: 'cannot be cloned: Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa',
    },
    {
      output: ['Load key "/tmp/ssh-key": error in libcrypto', 'git@host: Permission denied'],
      says: ': ssh cannot read ssh-privatekey in the Secret of build.git.secretName: error in libcrypto',
    },
    {
      output: [
        'remote: ',
        'remote: ========',
        'remote: ERROR: The project you were looking for could not be found',
      ],
      says: 'does not exist, or the credentials of the Secret may not see it',
    },
    {
      output: ['Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures'],
      says: 'refuses the credentials of the Secret in build.git.secretName',
    },
  ])('$says', ({ output, says }) => {
    const fault = clonedFault([...output, ...advice].join('\n'), { url }, true)
    expect(fault).toBe(`${url}${says.startsWith(':') ? '' : ' '}${says}`)
  })
})

test.each([
  { when: 'it redirects elsewhere', asking: 'https://mirror', says: 'redirects to https://mirror' },
  { when: 'it redirects to another port', asking: 'https://git:8443', says: ':8443, which asks' },
  { when: 'it redirects with a user', asking: 'https://bot@mirror', says: 'to https://mirror,' },
])('of a server that asks for credentials, the reason is that $when', ({ asking, says }) => {
  const output = `fatal: could not read Username for '${asking}': terminal prompts disabled`
  const fault = clonedFault(output, { url: 'https://git/x.git' }, true)
  expect(fault).toContain(says)
  expect(fault).toContain('are sent only to https://git')
})

test.each([
  'https://bot:s3cr3t@git/x.git',
  'https://s3cr3t@git/x.git',
  'ssh://git:s3cr3t@git/x.git',
  'https://bot:s3cr3t@git:port/x.git',
  'file:///s3cr3t',
  'https://*/s3cr3t.git',
])('the address %s is refused, and not repeated', (url) => {
  expect(() => addressOf(url)).toThrow(/^build\.git\.url (must not hold|is not an address)/)
  expect(() => addressOf(url)).not.toThrow('s3cr3t')
})

describe('the program that Git asks for credentials', () => {
  const answer = (files: Readonly<Record<string, string>>, what = 'get') => {
    const folder = mkdtempSync(join(tmpdir(), 'substratus-secret-'))
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      return execFileSync('sh', ['-c', credentialHelper(folder), 'helper', what]).toString()
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
  test.each([
    { when: 'they are plain', username: 'bot', password: 'a b=c%$"\'\\' },
    { when: 'an editor has ended the lines', username: 'bot\r\n', password: 'a b=c%$"\'\\\n' },
    { when: 'another line follows', username: 'bot\nhost=x', password: 'a b=c%$"\'\\\nurl=x' },
  ])('answers with the first lines of the files when $when', ({ when: _, ...files }) => {
    expect(answer(files)).toBe('username=bot\npassword=a b=c%$"\'\\\n')
  })
  test('answers a token without a user name', () => {
    expect(answer({ password: 'token' })).toBe('username=\npassword=token\n')
  })
  test.each(['store', 'erase'])('has nothing to %s', (what) => {
    expect(answer({ username: 'bot', password: 'x' }, what)).toBe('')
  })
})

test('arguments are --name=value, and may be repeated', () => {
  const options = optionsOf(['--build-arg=A=1', '--build-arg=B=2', '--empty=', '--image=x'])
  expect(options['build-arg']).toEqual(['A=1', 'B=2'])
  expect(required(options, 'image')).toBe('x')
  expect(() => required(options, 'empty')).toThrow('--empty is missing')
  expect(() => optionsOf(['image'])).toThrow('"image" is not --name=value')
})
