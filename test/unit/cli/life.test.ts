import { describe, expect, test } from 'vitest'
import { offlineConfig } from '../../../cli/configfile.ts'
import { livesOf } from '../../../cli/life.ts'
import { readManifests } from '../../../cli/manifests.ts'

describe('every example lives to be Ready', () => {
  const { manifests } = readManifests('examples')
  const lives = livesOf(
    manifests.map(({ object }) => object),
    offlineConfig(undefined),
    false,
  )
  test.each(
    lives.map((life) => ({ ...life, title: `${life.parent.kind} ${life.parent.metadata.name}` })),
  )('$title', ({ parent, children }) => {
    expect(parent.status).toMatchObject({ ready: true })
    expect(children.length).toBeGreaterThan(0)
  })
})
