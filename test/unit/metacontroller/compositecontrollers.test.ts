import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { hooks } from '../../../hooks/hooks.ts'
import type { SyncRequest, SyncResponse } from '../../../hooks/observe/protocol.ts'
import { controllers } from '../../../metacontroller/compositecontrollers.ts'

interface Listed {
  readonly apiVersion: string
  readonly resource: string
  readonly updateStrategy: { readonly method: string }
}

const childrenWith = (deviceClaims: boolean) =>
  (
    controllers({ url: 'https://server:9443', deviceClaims }) as {
      spec: { childResources: Listed[] }
    }[]
  ).map(({ spec }) => spec.childResources)

const recorded = join(import.meta.dirname, '../hooks/cases')
const cases = readdirSync(recorded)
  .filter((file) => file.endsWith('.request.yaml'))
  .map((file) => file.replace('.request.yaml', ''))
const read = <T>(file: string): T => parse(readFileSync(join(recorded, file), 'utf8'))

test.each(cases)('%s answers only with kinds that its behaviour declares', (name) => {
  const { parent } = read<SyncRequest>(`${name}.request.yaml`)
  const declared = hooks
    .find(({ kind }) => kind.kind === parent.kind)
    ?.children.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)
  const answered = read<SyncResponse>(`${name}.response.yaml`).children
  expect(answered.length).toBeGreaterThan(0)
  for (const { apiVersion, kind } of answered) expect(declared).toContain(`${apiVersion} ${kind}`)
})

describe('the children that Metacontroller manages', () => {
  test('are those that the behaviour of the kind declares', () => {
    const declared = hooks.map(({ children }) =>
      children.map(({ apiVersion, resource }) => ({ apiVersion, resource })),
    )
    const listed = childrenWith(true).map((resources) =>
      resources.map(({ apiVersion, resource }) => ({ apiVersion, resource })),
    )
    expect(listed).toEqual(declared)
  })

  test('include device claims only if the cluster serves them', () => {
    const named = (deviceClaims: boolean) =>
      childrenWith(deviceClaims).map((resources) =>
        resources.some(({ resource }) => resource === 'resourceclaimtemplates'),
      )
    expect(named(true)).toEqual(hooks.map(() => true))
    expect(named(false)).toEqual(hooks.map(() => false))
  })

  test('are never recreated by an update, and are neither Secrets nor ConfigMaps', () => {
    const all = childrenWith(true).flat()
    expect(new Set(all.map(({ updateStrategy }) => updateStrategy.method))).toEqual(
      new Set(['InPlace']),
    )
    expect(all.map(({ resource }) => resource)).not.toContain('secrets')
    expect(all.map(({ resource }) => resource)).not.toContain('configmaps')
  })
})

interface Composite {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly hooks: Readonly<Record<string, { readonly webhook: object }>> }
}

const webhooksOf = (address: Parameters<typeof controllers>[0]) =>
  (controllers(address) as readonly Composite[]).flatMap(({ spec }) =>
    Object.values(spec.hooks).map(({ webhook }) => webhook),
  )

test('every hook of every kind has the CA and the token, because Metacontroller reads them there', () => {
  const webhooks = webhooksOf({
    url: 'https://hooks.example.com',
    caBundle: Buffer.from('PEM').toString('base64'),
    tokenSecret: { namespace: 'substratus', name: 'hooks' },
  })
  expect(webhooks).toHaveLength(2 * hooks.length)
  for (const webhook of webhooks)
    expect(webhook).toMatchObject({
      caBundle: { inline: 'PEM' },
      authorization: {
        type: 'Bearer',
        secretRef: { namespace: 'substratus', name: 'hooks', key: 'token' },
      },
    })
})

test('without them, both fields are absent rather than empty', () => {
  for (const webhook of webhooksOf({ url: 'http://hooks.example.com' }))
    expect(Object.keys(webhook)).toEqual(['url', 'timeout'])
})
