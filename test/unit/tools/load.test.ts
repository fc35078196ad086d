import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bucketEnv, rcloneArgs, rcloneFault } from '../../../tools/bucket.ts'
import { promisedChecksum } from '../../../tools/download.ts'
import { hubFault } from '../../../tools/hub.ts'
import { compare, main } from '../../../tools/load.ts'
import { seal } from '../../../tools/seal.ts'
import { sourceOf } from '../../../tools/source.ts'
import { localCertificate } from '../../certificate.ts'

describe('a source', () => {
  const checksum = 'a'.repeat(64)
  test.each([
    ['hf://org/name', { scheme: 'hf', repository: 'org/name', revision: 'main' }],
    ['hf://org/name@v1/2', { scheme: 'hf', repository: 'org/name', revision: 'v1/2' }],
    [
      'https://h/a/b%20c.bin?x=1',
      { scheme: 'https', url: 'https://h/a/b%20c.bin?x=1', file: 'b c.bin' },
    ],
    [
      `http://h/a#sha256=${checksum}`,
      { scheme: 'https', url: 'http://h/a', file: 'a', sha256: checksum },
    ],
    [
      `https://h/a#sha256=${checksum.toUpperCase()}`,
      { scheme: 'https', url: 'https://h/a', file: 'a', sha256: checksum },
    ],
    ['https://h/', { scheme: 'https', url: 'https://h/', file: 'index' }],
    ['s3://bucket', { scheme: 's3', bucket: 'bucket', path: '' }],
    ['gs://bucket/a/b/', { scheme: 'gs', bucket: 'bucket', path: 'a/b' }],
  ])('%s', (address, expected) => {
    expect(sourceOf(address)).toEqual({ address, ...expected })
  })

  test.each([
    ['ftp://h/a', 'is none of hf://, https://, s3:// and gs://'],
    ['https://h/a#sha256=abc', 'is no checksum: write #sha256= and 64 hexadecimal digits'],
  ])('%s is refused', (address, words) => {
    expect(() => sourceOf(address)).toThrow(words)
  })
})

describe('a download over TLS', () => {
  let server: Server
  let folder: string
  let caFile: string
  let url: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'substratus-tls-'))
    const certificate = await localCertificate(folder)
    caFile = certificate.caFile
    server = createTlsServer(certificate.server, (_, response) => response.end('whole'))
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/data.txt`
  })
  afterEach(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  test('from an authority that is trusted', async () => {
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: caFile }
    const args = ['tools/main.ts', 'load', `--source=${url}`, `--into=${folder}`]
    await promisify(execFile)(process.execPath, args, { env })
    expect(readFileSync(join(folder, 'data.txt'), 'utf8')).toBe('whole')
  })

  test('from another is refused at once, with the reason', async () => {
    await expect(main({ source: [url], into: [folder] })).rejects.toThrow(
      `${url}: its certificate is not trusted: if it comes from a private CA, set CA_CERTIFICATES in spec.env: unable to verify the first certificate`,
    )
  })
})

describe('a download', () => {
  const content = Buffer.from('0123456789'.repeat(10_000))
  const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex')
  let server: Server
  let into: string
  let requests: IncomingMessage[]
  let answer: (request: IncomingMessage, response: ServerResponse, count: number) => void
  beforeEach(async () => {
    requests = []
    into = mkdtempSync(join(tmpdir(), 'substratus-load-'))
    server = createServer((request, response) => {
      requests.push(request)
      answer(request, response, requests.length)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  })
  afterEach(() => {
    server.close()
    server.closeAllConnections()
    rmSync(into, { recursive: true })
  })

  const load = (fragment = '') =>
    main({
      source: [`http://127.0.0.1:${(server.address() as AddressInfo).port}/data.bin${fragment}`],
      into: [into],
    })
  const result = () => readFileSync(join(into, 'data.bin'))

  /** Answers range requests correctly; `whole` is the file. */
  const serve = (
    request: IncomingMessage,
    response: ServerResponse,
    whole: Buffer,
    etag: string,
  ) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const goesOn = from > 0 && request.headers['if-range'] === etag
    const part = goesOn ? whole.subarray(from) : whole
    response.writeHead(goesOn ? 206 : 200, {
      etag,
      'content-length': part.length,
      ...(goesOn && { 'content-range': `bytes ${from}-${whole.length - 1}/${whole.length}` }),
    })
    return part
  }

  /** Breaks off once a part of the file is on the disk. */
  const broken = (part: Buffer, response: ServerResponse) => {
    response.write(part.subarray(0, 40_000))
    const file = join(into, 'data.bin.part')
    const timer = setInterval(() => {
      if (!existsSync(file) || statSync(file).size === 0) return
      clearInterval(timer)
      response.destroy()
    }, 20)
  }

  test('that is interrupted is resumed', async () => {
    answer = (request, response, count) => {
      const part = serve(request, response, content, '"one"')
      if (count === 1) broken(part, response)
      else response.end(part)
    }
    await load(`#sha256=${sha256(content)}`)
    expect(result().equals(content)).toBe(true)
    expect(requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/)
    expect(readdirSync(into)).toEqual(['data.bin'])
  })

  test('is resumed in the next Pod too', async () => {
    writeFileSync(join(into, 'data.bin.part'), content.subarray(0, 70_000))
    writeFileSync(join(into, 'data.bin.part.etag'), '"one"')
    answer = (request, response) => response.end(serve(request, response, content, '"one"'))
    await load()
    expect(requests[0]?.headers.range).toBe('bytes=70000-')
    expect(result().equals(content)).toBe(true)
  })

  test('of a file that has changed in between starts again', async () => {
    const other = Buffer.from(content).fill('x', 0, 10)
    answer = (request, response, count) => {
      const part = serve(request, response, count === 1 ? content : other, `"${count}"`)
      if (count === 1) broken(part, response)
      else response.end(part)
    }
    await load()
    expect(result().equals(other)).toBe(true)
  })

  test('whose server sends only a weak tag starts again', async () => {
    answer = (request, response, count) => {
      const part = serve(request, response, content, 'W/"one"')
      if (count === 1) broken(part, response)
      else response.end(part)
    }
    await load()
    expect(requests[1]?.headers.range).toBeUndefined()
    expect(result().equals(content)).toBe(true)
  })

  test.each([
    {
      when: 'another sha256 than spec.source says',
      fragment: `#sha256=${'0'.repeat(64)}`,
      headers: {},
      says: `has sha256 ${sha256(content)}, but spec.source says ${'0'.repeat(64)}`,
    },
    {
      when: 'another digest than the server says',
      fragment: '',
      headers: { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` },
      says: 'but the server says AAAAAAAA',
    },
  ])('with $when is refused, and leaves nothing', async ({ fragment, headers, says }) => {
    answer = (_, response) => response.writeHead(200, headers).end(content)
    await expect(load(fragment)).rejects.toThrow(says)
    expect(existsSync(join(into, 'data.bin'))).toBe(false)
    expect(existsSync(join(into, 'data.bin.part'))).toBe(false)
  })

  test('of what does not exist fails at once', async () => {
    answer = (_, response) => response.writeHead(404).end()
    await expect(load()).rejects.toThrow(/data\.bin answers 404$/)
    expect(requests).toHaveLength(1)
  })

  test('that is complete is not started again', async () => {
    writeFileSync(join(into, 'data.bin'), 'whole')
    await load()
    expect(requests).toHaveLength(0)
  })
})

test.each([
  {
    what: 'Repr-Digest promises SHA-256',
    headers: { 'repr-digest': `sha-256=:${'A'.repeat(43)}=:` },
    expected: { algorithm: 'sha256', base64: `${'A'.repeat(43)}=` },
  },
  {
    what: 'Digest promises the best that it has, SHA-256',
    headers: { digest: `md5=x, SHA-256=${'A'.repeat(43)}=` },
    expected: { algorithm: 'sha256', base64: `${'A'.repeat(43)}=` },
  },
  {
    what: 'Content-MD5 promises MD5',
    headers: { 'content-md5': 'abc=' },
    expected: { algorithm: 'md5', base64: 'abc=' },
  },
  { what: 'a response without such a header promises nothing', headers: {}, expected: undefined },
])('$what', ({ headers, expected }) => {
  expect(promisedChecksum(new Headers(headers as Record<string, string>))).toEqual(expected)
})

describe('artifacts that were sealed elsewhere', () => {
  let folder: string
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'substratus-sealed-'))
    writeFileSync(join(folder, 'x'), 'abc')
    await seal(folder)
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('are accepted if they are complete', () => expect(compare(folder)).resolves.toBeUndefined())

  test.each([
    {
      when: 'a file has changed',
      spoil: (path: string) => writeFileSync(join(path, 'x'), 'abd'),
      says: 'x is not what was sealed: the storage has lost or changed data',
    },
    {
      when: 'a file is missing',
      spoil: (path: string) => rmSync(join(path, 'x')),
      says: 'x is not what was sealed',
    },
    {
      when: 'the manifest is missing',
      spoil: (path: string) => rmSync(join(path, '.substratus.json')),
      says: 'they were never finished',
    },
  ])('are refused when $when', async ({ spoil, says }) => {
    spoil(folder)
    await expect(compare(folder)).rejects.toThrow(says)
  })
})

describe('a bucket', () => {
  test('is of AWS, or of whatever AWS_ENDPOINT_URL names', () => {
    expect(bucketEnv('s3', { AWS_REGION: 'eu-west-1' })).toMatchObject({
      RCLONE_CONFIG_S3_PROVIDER: 'AWS',
      RCLONE_CONFIG_S3_REGION: 'eu-west-1',
    })
    expect(bucketEnv('s3', { AWS_ENDPOINT_URL: 'http://minio' })).toMatchObject({
      RCLONE_CONFIG_S3_PROVIDER: 'Other',
      RCLONE_CONFIG_S3_ENDPOINT: 'http://minio',
    })
  })

  test('is copied, then compared', () => {
    const source = sourceOf('s3://bucket/a')
    if (source.scheme !== 's3') throw new Error()
    expect(rcloneArgs(source, '/to', []).map((args) => args.slice(0, 3))).toEqual([
      ['copy', 's3:bucket/a', '/to'],
      ['check', 's3:bucket/a', '/to'],
    ])
  })

  test.each([
    [
      'when there is nothing',
      'ERROR : S3 bucket b path p: error reading source root directory: directory not found',
      's3://b/p does not exist',
    ],
    [
      'when the credentials are refused',
      'AccessDenied: Access Denied\n\tstatus code: 403',
      /^s3:\/\/b\/p refuses the credentials: /,
    ],
    [
      'when the network fails, by the last reason',
      'ERROR : w.bin: Failed to copy: read tcp 10.0.0.1:4->10.0.0.1:5: read: connection reset by peer\nFailed to copy: dial tcp 10.0.0.1:5: connect: connection refused',
      's3://b/p cannot be reached: connection refused',
    ],
    [
      'when its certificate is not trusted',
      'Get "https://s3.test/b": x509: certificate signed by unknown authority',
      's3://b/p: its certificate is not trusted: if it comes from a private CA, set CA_CERTIFICATES in spec.env',
    ],
    [
      'when it is one file and there are patterns',
      "Failed to size: can't limit to single files when using filters: [x]",
      'spec.files: s3://b/p is one file: remove files',
    ],
    [
      'when the disk is full',
      'write /x: no space left on device',
      'the disk is full: ask for more in spec.resources.disk',
    ],
    [
      'when it fails for any other reason',
      'some\nother\nNOTICE:   512 KiB / 1 MiB, 50%, 0 B/s, ETA -\nwords',
      's3://b/p cannot be loaded: other\nwords',
    ],
  ])('reports an error %s', (_when, output, expected) => {
    const source = sourceOf('s3://b/p')
    if (source.scheme !== 's3') throw new Error()
    if (typeof expected === 'string') expect(rcloneFault(output, source)).toBe(expected)
    else expect(rcloneFault(output, source)).toMatch(expected)
  })
})

test.each([
  [
    'huggingface_hub.errors.GatedRepoError: 403',
    'hf://org/name is gated: accept its terms on the hub, and give HF_TOKEN in spec.env, from a Secret',
  ],
  [
    'huggingface_hub.errors.RepositoryNotFoundError: 401 Client Error',
    'org/name does not exist on the hub, or is private: then give HF_TOKEN in spec.env, from a Secret',
  ],
  ['huggingface_hub.errors.RevisionNotFoundError: 404', 'org/name has no revision "main"'],
  [
    'httpx2.ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed',
    'hf://org/name: its certificate is not trusted: if it comes from a private CA, set CA_CERTIFICATES in spec.env',
  ],
  [
    'OSError: [Errno 28] No space left on device',
    'the disk is full: ask for more in spec.resources.disk',
  ],
  [
    'spec.files: no file of org/name matches "x": it has y\nmore',
    'spec.files: no file of org/name matches "x": it has y',
  ],
  ['a\nthe last', 'hf://org/name cannot be loaded: the last'],
])('the hub’s "%s"', (output, expected) => {
  const source = sourceOf('hf://org/name')
  if (source.scheme !== 'hf') throw new Error()
  expect(hubFault(output, source)).toBe(expected)
})
