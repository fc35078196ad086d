import { describe, expect, test } from 'vitest'
import { offlineConfig } from '../../../cli/configfile.ts'
import { readManifests } from '../../../cli/manifests.ts'
import { simulate } from '../../../cli/simulate.ts'

describe('every example becomes Ready', () => {
  const { manifests } = readManifests('examples')
  const simulations = simulate(
    manifests.map(({ object }) => object),
    offlineConfig(undefined),
    false,
  )
  test.each(
    simulations.map(({ parent, children }) => ({
      title: `${parent.kind} ${parent.metadata.name}`,
      parent,
      children,
    })),
  )('$title', ({ parent, children }) => {
    expect(parent.status).toMatchObject({ ready: true })
    expect(children.length).toBeGreaterThan(0)
  })
})
