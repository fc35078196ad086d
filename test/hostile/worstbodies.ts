import type { AdmissionRequest } from '../../webhooks/review.ts'

/** Bodies for admission, each of which fills 7 MiB with one kind of attack. */

const bytes = 7 * 1024 * 1024 - 1024

/** As many of them as fit, written by their number. */
const many = (one: (number: number) => string, room = bytes): string => {
  const all: string[] = []
  for (let length = 0, number = 0; ; number++) {
    const next = one(number)
    length += next.length + 1
    if (length > room) return all.join(',')
    all.push(next)
  }
}

const long = (letter: string, of = bytes): string => letter.repeat(Math.floor(of / letter.length))
const image = '"image":"example.com/m"'
const half = bytes / 2

interface Written {
  readonly kind?: string
  readonly metadata?: string
  readonly spec?: string
  readonly status?: string
  readonly oldSpec?: string
  readonly operation?: AdmissionRequest['operation']
}

export const reviewOf = (of: Written): string => {
  const { kind = 'Model', metadata = '"name":"m"', spec = `{${image}}`, status = '{}' } = of
  const { operation = 'CREATE', oldSpec } = of
  const written = (its: string) =>
    `{"apiVersion":"substratus.ai/v1","kind":"${kind}","metadata":{${metadata}},"spec":${its},"status":${status}}`
  const object = operation === 'DELETE' ? 'null' : written(spec)
  const old = operation === 'DELETE' ? written(spec) : oldSpec ? written(oldSpec) : 'null'
  return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"${operation}","namespace":"team","object":${object},"oldObject":${old}}}`
}

/** As many values as the server accepts, and long names to fill the body. */
const most = (one: (number: string) => string): string =>
  Array.from({ length: 90_000 }, (_, i) => one(String(i).padStart(60, 'x'))).join(',')

const server = '"model":{"name":"m"}'
const git = (more: string) => `{"build":{"git":{"url":"https://a.b/c"},${more}}}`
const map = (field: string, entry: (number: number) => string, room = bytes) =>
  `{${image},"${field}":{${many(entry, room)}}}`
const key = (letter: string, of?: number) => `"${long(letter, of)}"`

/** Lists inside lists of spec.pod, each as long as it may be, with unknown and mistyped fields in all items. */
const times = (count: number, one: string): string =>
  Array.from({ length: count }, () => one).join(',')
const unknown = (of: number) => many((i) => `"x${i}":1`, of)
const selector = `{"matchExpressions":[${times(17, `{"key":1,"values":[${times(65, '1')}],${unknown(5600)}}`)}]}`
const term = `{"labelSelector":${selector},"namespaceSelector":${selector}}`
const terms = `{"requiredDuringSchedulingIgnoredDuringExecution":[${times(9, term)}],"preferredDuringSchedulingIgnoredDuringExecution":[${times(9, `{"podAffinityTerm":${term}}`)}]}`
const files = `{"items":[${times(65, `{"key":1,${unknown(1640)}}`)}]}`

const deepList = '['.repeat(half) + ']'.repeat(half)
const deepMap = `${'{"a":'.repeat(bytes / 6)}1${'}'.repeat(bytes / 6)}`

export const worstBodies: readonly (readonly [what: string, body: string])[] = [
  [
    '90,000 reserved labels',
    reviewOf({ metadata: `"name":"m","labels":{${most((i) => `"kubernetes.io/${i}":"1"`)}}` }),
  ],
  [
    'five long reserved labels',
    reviewOf({
      metadata: `"name":"m","labels":{${[1, 2, 3, 4, 5].map((i) => `"${i}.kubernetes.io/${long('x', bytes / 5.1)}":"1"`).join(',')}}`,
    }),
  ],
  ['labels that are a text', reviewOf({ metadata: `"name":"m","labels":${key('x')}` })],
  ['annotations that are a text', reviewOf({ metadata: `"name":"m","annotations":${key('x')}` })],
  ['90,000 unknown fields', reviewOf({ spec: `{${image},${most((i) => `"a${i}":"${i}"`)}}` })],
  [
    '90,000 unknown fields of a server to fill in',
    reviewOf({ kind: 'ModelServer', spec: `{${server},${most((i) => `"a${i}":"${i}"`)}}` }),
  ],
  [
    '90,000 mistyped environment variables',
    reviewOf({ spec: `{${image},"env":{${most((i) => `"a${i}":${i.replaceAll('x', '1')}`)}}}` }),
  ],
  ['90,000 params', reviewOf({ spec: `{${image},"params":{${most((i) => `"a${i}":"${i}"`)}}}` })],
  [
    '90,000 labels',
    reviewOf({
      metadata: `"name":"m","labels":{${most((i) => `"a${i}":"${i}"`)}}`,
      spec: `{${image},"resources":{"gpu":{"type":"nvidia-l4"}}}`,
    }),
  ],
  [
    'a set of 50,000, some of them twice',
    reviewOf({
      spec: `{${image},"imagePullSecrets":[${many((i) => `"${String(i % 45_000).padStart(130, 's')}"`)}]}`,
    }),
  ],
  ['unknown fields', reviewOf({ spec: `{${image},${many((i) => `"b${i}":1`)}}` })],
  [
    'unknown fields of one letter each, and more',
    reviewOf({ spec: `{${many((i) => `"${i.toString(36)}":1`)}}` }),
  ],
  [
    'unknown fields beside mistyped ones',
    reviewOf({
      spec: `{"env":{${many((i) => `"a${i}":1`, half)}},${many((i) => `"b${i}":1`, half)}}`,
    }),
  ],
  ['mistyped environment variables', reviewOf({ spec: map('env', (i) => `"a${i}":1`) })],
  ['environment variables', reviewOf({ spec: map('env', (i) => `"a${i}":""`) })],
  ['environment variables with wrong names', reviewOf({ spec: map('env', (i) => `"1${i}":""`) })],
  ['params', reviewOf({ spec: map('params', (i) => `"p${i}":1`) })],
  [
    'params that are twins',
    reviewOf({ spec: map('params', (i) => `"p${'-_.+'[i % 4]}${i >> 2}":1`) }),
  ],
  ['params that are lists', reviewOf({ spec: map('params', (i) => `"p${i}":[]`) })],
  [
    '512 params with long names',
    reviewOf({ spec: map('params', (i) => `${key('é', bytes / 600).replace(/^"/, `"${i}`)}:1`) }),
  ],
  ['build arguments', reviewOf({ spec: git(`"args":{${many((i) => `"a${i}":1`)}}`) })],
  [
    'unknown fields inside a field',
    reviewOf({ spec: `{${image},"resources":{"gpu":{${many((i) => `"x${i}":1`)}}}}` }),
  ],
  ['mistyped words of a command', reviewOf({ spec: `{${image},"command":[${many(() => '1')}]}` })],
  ['words of a command', reviewOf({ spec: `{${image},"args":[${many(() => '""')}]}` })],
  ['empty objects in a list', reviewOf({ spec: `{${image},"args":[${many(() => '{}')}]}` })],
  [
    'a set of many',
    reviewOf({ spec: `{${image},"imagePullSecrets":[${many((i) => `"s${i}"`)}]}` }),
  ],
  [
    'a set of many objects',
    reviewOf({ spec: `{${image},"imagePullSecrets":[${many((i) => `{"a":${i}}`)}]}` }),
  ],
  [
    'selectors of Pods inside lists inside lists',
    reviewOf({
      spec: `{${image},"pod":{"affinity":{"podAffinity":${terms},"podAntiAffinity":${terms}}}}`,
    }),
  ],
  [
    'files of volumes, all of them wrong',
    reviewOf({
      spec: `{${image},"pod":{"volumes":[${times(33, `{"configMap":${files},"secret":${files}}`)}]}}`,
    }),
  ],
  ['volumes', reviewOf({ spec: `{${image},"pod":{"volumes":[${many(() => '{}')}]}}` })],
  [
    'labels of Pods with wrong names',
    reviewOf({ spec: `{${image},"pod":{"labels":{${many((i) => `"-${i}":""`)}}}}` }),
  ],
  [
    'a long label of Pods',
    reviewOf({ spec: `{${image},"pod":{"nodeSelector":{${key('a')}:"b"}}}` }),
  ],
  [
    'a long path of a mount',
    reviewOf({
      spec: `{${image},"pod":{"container":{"volumeMounts":[{"name":"a","mountPath":${key('/a')}}]}}}`,
    }),
  ],
  ['a list that is a map', reviewOf({ spec: `{${image},"env":[${many(() => '1')}]}` })],
  ['numbers', reviewOf({ spec: `{${image},"args":[${many(() => '1e9')}]}` })],
  ['a spec that is a list', reviewOf({ spec: `[${many(() => '1')}]` })],
  ['a long string', reviewOf({ spec: `{"image":"${long('x')}"}` })],
  ['a long string that matches nothing', reviewOf({ spec: `{"image":"${long('x ')}"}` })],
  ['a long source', reviewOf({ spec: `{"source":"pvc://${long('/')}"}` })],
  ['a long address of Git', reviewOf({ spec: `{"build":{"git":{"url":"ssh://${long(':')}"}}}` })],
  [
    'a long folder of Git',
    reviewOf({ spec: `{"build":{"git":{"url":"https://a.b/c","path":"${long('a/')}"}}}` }),
  ],
  [
    'a long name of a Secret',
    reviewOf({ spec: `{${image},"imagePullSecrets":["${long('a-')}"]}` }),
  ],
  [
    'a long commit',
    reviewOf({ spec: `{"build":{"git":{"url":"https://a.b/c","commit":"${long('a')}"}}}` }),
  ],
  ['a long quantity', reviewOf({ spec: `{${image},"resources":{"memory":"${long('9')}"}}` })],
  [
    'a long quantity of disk, changed',
    reviewOf({
      kind: 'Notebook',
      operation: 'UPDATE',
      spec: `{"resources":{"disk":"${long('9', half)}"}}`,
      oldSpec: `{"resources":{"disk":"1.${long('9', half)}"}}`,
    }),
  ],
  [
    'a long quantity of disk, deleted',
    reviewOf({
      kind: 'Notebook',
      operation: 'DELETE',
      spec: `{"resources":{"disk":"${long('9')}"}}`,
    }),
  ],
  ['a long duration', reviewOf({ kind: 'Notebook', spec: `{"idleTimeout":"${long('1')}h"}` })],
  [
    'a long name of a GPU',
    reviewOf({ spec: `{${image},"resources":{"gpu":{"type":"${long('a.')}"}}}` }),
  ],
  ['a long reference', reviewOf({ spec: `{${image},"model":{"name":"${long('a-')}"}}` })],
  [
    'a long value of an environment variable',
    reviewOf({ spec: `{${image},"env":{"A":"${long('${{')}"}}` }),
  ],
  [
    'words of signs that JSON of Go escapes',
    reviewOf({ spec: `{${image},"args":["${long('<')}"]}` }),
  ],
  ['words of quotation marks', reviewOf({ spec: `{${image},"args":["${long('\\"')}"]}` })],
  ['params of quotation marks', reviewOf({ spec: `{${image},"params":{"a":"${long('\\"')}"}}` })],
  ['a long unknown field', reviewOf({ spec: `{${image},${key('x')}:1}` })],
  ['a long unknown field of tildes', reviewOf({ spec: `{${image},${key('~')}:1}` })],
  ['a long environment variable of tildes', reviewOf({ spec: `{${image},"env":{${key('~')}:1}}` })],
  [
    'a long environment variable of slashes',
    reviewOf({ spec: `{${image},"env":{${key('/')}:1}}` }),
  ],
  [
    'long environment variables',
    reviewOf({ spec: map('env', (i) => `${key('~', bytes / 130).replace(/^"/, `"${i}`)}:1`) }),
  ],
  ['a long environment variable of dots', reviewOf({ spec: `{${image},"env":{${key('.')}:"a"}}` })],
  ['a long param', reviewOf({ spec: `{${image},"params":{${key('.')}:1}}` })],
  ['a long param that is a list', reviewOf({ spec: `{${image},"params":{${key('.')}:[]}}` })],
  ['a long name of the object', reviewOf({ metadata: `"name":"${long('a')}"` })],
  ['a long kind', reviewOf({ kind: long('a') })],
  ['a param nested without end', reviewOf({ spec: `{${image},"params":{"a":${deepList}}}` })],
  ['a field nested without end', reviewOf({ spec: `{${image},"a":${deepMap}}` })],
  [
    'a param nested without end, unchanged',
    reviewOf({
      operation: 'UPDATE',
      spec: `{${image},"params":{"a":${'['.repeat(half / 2)}${']'.repeat(half / 2)}}}`,
      oldSpec: `{${image},"params":{"a":${'['.repeat(half / 2)}${']'.repeat(half / 2)}}}`,
    }),
  ],
  ['labels nested without end', reviewOf({ metadata: `"name":"m","labels":${deepList}` })],
  [
    'a status nested without end',
    reviewOf({ kind: 'Notebook', operation: 'DELETE', status: `{"artifacts":${deepList}}` }),
  ],
  [
    'mistyped environment variables that an update leaves',
    reviewOf({
      operation: 'UPDATE',
      spec: map('env', (i) => `"a${i}":1`, half),
      oldSpec: map('env', (i) => `"a${i}":1`, half),
    }),
  ],
  [
    'wrong words that an update leaves',
    reviewOf({
      operation: 'UPDATE',
      spec: `{${image},"args":["${long('x', half)}",${many(() => '1', 300)}]}`,
      oldSpec: `{${image},"args":["${long('x', half)}",${many(() => '1', 300)}]}`,
    }),
  ],
  [
    'a server to fill in, with many unknown fields',
    reviewOf({ kind: 'ModelServer', spec: `{${server},${many((i) => `"b${i}":1`)}}` }),
  ],
  [
    'names that every object has',
    reviewOf({
      spec: `{${image},"__proto__":{"image":1},"constructor":1,"toString":1,"resources":{"gpu":{"type":{"toString":1,"valueOf":1}}},"env":{${many((i) => `"__proto__${i}":1`)}}}`,
    }),
  ],
]
