import { describe, expect, test } from 'vitest'
import { controllers } from '../../../metacontroller/controllers.ts'

const childrenWith = (deviceClaims: boolean) =>
  (
    controllers({ url: 'https://server:9443', deviceClaims }) as {
      spec: { childResources: { resource: string; updateStrategy: { method: string } }[] }
    }[]
  ).map(({ spec }) => spec.childResources)

describe('the children that Metacontroller manages', () => {
  test('claims of devices are among them only where the cluster serves them', () => {
    const named = (deviceClaims: boolean) =>
      childrenWith(deviceClaims).map((resources) =>
        resources.some(({ resource }) => resource === 'resourceclaimtemplates'),
      )
    expect(named(true)).toEqual([true, true, true, true])
    expect(named(false)).toEqual([false, false, false, false])
  })

  test('are never recreated by an update, and are no Secrets or ConfigMaps', () => {
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

test('every hook of every kind brings CA and token: Metacontroller takes both from one place', () => {
  const webhooks = webhooksOf({
    url: 'https://hooks.example.com',
    caBundle: Buffer.from('PEM').toString('base64'),
    tokenSecret: { namespace: 'substratus', name: 'hooks' },
  })
  expect(webhooks).toHaveLength(8)
  for (const webhook of webhooks)
    expect(webhook).toMatchObject({
      caBundle: { inline: 'PEM' },
      authorization: {
        type: 'Bearer',
        secretRef: { namespace: 'substratus', name: 'hooks', key: 'token' },
      },
    })
})

test('without them there is neither, rather than something empty', () => {
  for (const webhook of webhooksOf({ url: 'http://hooks.example.com' }))
    expect(Object.keys(webhook)).toEqual(['url', 'timeout'])
})
