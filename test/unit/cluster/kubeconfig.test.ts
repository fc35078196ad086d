import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import type { RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { authenticate } from '../../../cluster/credentials.ts'
import { type ClusterOptions, clusterOf } from '../../../cluster/kubeconfig.ts'

const folder = mkdtempSync(join(tmpdir(), 'substratus-kubeconfig-'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = (name: string) => join(folder, name)
interface Written {
  readonly current?: string
  /** Context → the server of its cluster, and its namespace. */
  readonly contexts: Readonly<Record<string, readonly [string, string?]>>
}
const write = (name: string, { current, contexts }: Written) =>
  writeFileSync(
    file(name),
    JSON.stringify({
      ...(current && { 'current-context': current }),
      clusters: Object.entries(contexts).map(([context, [host]]) => ({
        name: context,
        cluster: { server: `https://${host}`, 'certificate-authority': 'ca.crt' },
      })),
      users: Object.keys(contexts).map((context) => ({ name: context, user: {} })),
      contexts: Object.entries(contexts).map(([context, [, namespace]]) => ({
        name: context,
        context: { cluster: context, user: context, ...(namespace && { namespace }) },
      })),
    }),
  )

mkdirSync(file('.kube'))
write('.kube/config', { current: 'home', contexts: { home: ['home.example', 'mine'] } })
write('a', { current: 'a', contexts: { a: ['a.example'], both: ['first.example'] } })
write('b', { current: 'b', contexts: { b: ['b.example', 'team'], both: ['second.example'] } })
write('none', { contexts: { c: ['c.example'] } })
writeFileSync(file('empty'), '')
writeFileSync(
  file('ghost'),
  JSON.stringify({
    'current-context': 'd',
    clusters: [{ name: 'd', cluster: { server: 'https://d.example' } }],
    contexts: [{ name: 'd', context: { cluster: 'd', user: 'ghost' } }],
  }),
)
writeFileSync(file('broken'), '{')

const listed = (...names: readonly string[]) => ({
  HOME: folder,
  KUBECONFIG: names.map(file).join(delimiter),
})
const shown = (options: ClusterOptions, env: NodeJS.ProcessEnv): string => {
  try {
    const { kubeConfig, namespace } = clusterOf(options, env)
    return `${kubeConfig.getCurrentCluster()?.server} ${namespace}`
  } catch (error) {
    return `error: ${(error as Error).message.replaceAll(`${folder}/`, '')}`
  }
}

describe('the cluster and the namespace are those that kubectl would use', () => {
  test.each<{ when: string; options?: ClusterOptions; env?: NodeJS.ProcessEnv; is: string }>([
    { when: 'nothing is set', is: 'https://home.example mine' },
    {
      when: 'KUBECONFIG is empty',
      env: { HOME: folder, KUBECONFIG: '' },
      is: 'https://home.example mine',
    },
    { when: 'KUBECONFIG names one', env: listed('b'), is: 'https://b.example team' },
    {
      when: 'KUBECONFIG names two files, and the first has the context',
      env: listed('a', 'b'),
      is: 'https://a.example default',
    },
    { when: 'the first has none', env: listed('none', 'b'), is: 'https://b.example team' },
    { when: 'one is missing', env: listed('gone', 'b'), is: 'https://b.example team' },
    { when: 'one is empty', env: listed('empty', 'b'), is: 'https://b.example team' },
    {
      when: 'two files have the same name: the first wins',
      env: listed('a', 'b'),
      options: { context: 'both' },
      is: 'https://first.example default',
    },
    {
      when: '--context is in the second file',
      env: listed('a', 'b'),
      options: { context: 'b' },
      is: 'https://b.example team',
    },
    {
      when: '--namespace wins over the context',
      env: listed('b'),
      options: { namespace: 'other' },
      is: 'https://b.example other',
    },
    {
      when: '--namespace is empty: it is not set',
      env: listed('b'),
      options: { namespace: '' },
      is: 'https://b.example team',
    },
    {
      when: '--namespace would be another path',
      env: listed('b'),
      options: { namespace: '../..' },
      is: `error: invalid namespace "../..": [may not contain '/']`,
    },
    {
      when: '--kubeconfig wins over KUBECONFIG',
      env: listed('a'),
      options: { kubeconfig: file('b') },
      is: 'https://b.example team',
    },
    {
      when: 'a context does not exist',
      env: listed('a'),
      options: { context: 'x' },
      is: 'error: context "x" is not in the kubeconfig; it has a, both',
    },
    {
      when: 'there is no current context',
      env: listed('none'),
      is: 'error: the kubeconfig has no current-context: choose one with --context NAME',
    },
    {
      when: 'there is no file',
      env: listed('gone'),
      is: 'error: no kubeconfig: gone cannot be found; name one with --kubeconfig',
    },
    {
      when: 'the file of --kubeconfig does not exist',
      options: { kubeconfig: file('gone') },
      is: 'error: kubeconfig gone does not exist',
    },
    {
      when: 'the context names a user that is not there',
      env: listed('ghost'),
      is: 'error: context "d" names user "ghost", which the kubeconfig lacks',
    },
    { when: 'a file is broken', env: listed('broken'), is: 'error: kubeconfig broken: ' },
  ])('when $when', ({ options = {}, env = { HOME: folder }, is }) => {
    const found = shown(options, env)
    if (is.endsWith(': ')) expect(found).toContain(is)
    else expect(found).toBe(is)
  })

  test('over plain HTTP, no credentials are sent, as in kubectl', async () => {
    const user = { token: 'secret', 'client-certificate': 'gone.crt', 'client-key': 'gone.key' }
    writeFileSync(
      file('proxy'),
      JSON.stringify({
        'current-context': 'p',
        clusters: [{ name: 'p', cluster: { server: 'http://127.0.0.1:8001' } }],
        users: [{ name: 'p', user }],
        contexts: [{ name: 'p', context: { cluster: 'p', user: 'p' } }],
      }),
    )
    const { kubeConfig } = clusterOf({ kubeconfig: file('proxy') })
    const options: RequestOptions = {}
    await authenticate(kubeConfig, options)
    expect(options.agent).toBeInstanceOf(Agent)
    expect(JSON.stringify(options.headers ?? {})).not.toContain('secret')
    expect(options.cert).toBeUndefined()
  })

  test('a kubeconfig’s relative paths start at its own folder', () => {
    const { kubeConfig } = clusterOf({}, listed('a', 'b'))
    expect(kubeConfig.getCurrentCluster()?.caFile).toBe(file('ca.crt'))
  })
})
