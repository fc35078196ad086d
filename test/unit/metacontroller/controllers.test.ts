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
