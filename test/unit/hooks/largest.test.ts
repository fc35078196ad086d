import { describe, expect, test } from 'vitest'
import { type ConfigFile, configOf } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import { maxCarriedBytes } from '../../../crds/rules/size.ts'
import { base, data, filled, largestWith, long, many, of } from '../../largest.ts'
import { aConfig, aModel, type Child, readyOf, sync } from '../../objects.ts'

/**
 * The API server accepts the children of the largest objects that admission allows, although
 * Metacontroller writes each whole child, as Go's JSON, into one of its annotations.
 */

const allowed = 256 * 1024

const annotationBytes = ({ metadata, ...child }: Child): number => {
  const applied = JSON.stringify({ ...child, metadata }).replaceAll(/[<>&]/g, '\\u0000')
  return Object.entries({
    ...metadata.annotations,
    'metacontroller.k8s.io/last-applied-configuration': applied,
  }).reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
}

const argsOf = (count: number) => many(count, (i) => [`A${i}`, '<'.repeat(700)])
const cases = ['x', '"', '<', '\\', 'ü'].flatMap((filler) =>
  largestWith(filler).map((parent) => ({ when: `a ${parent.kind} with ${filler}`, parent })),
)

/** Nearly all that the configuration may add. */
const large = { annotations: { a: 'x'.repeat(16_000), b: 'x'.repeat(16_000) } }
const network = { CA_CERTIFICATES: '<'.repeat(5000), HTTPS_PROXY: `http://${'x'.repeat(2000)}` }

const config = aConfig({ podSecurity: 'restricted', limits: 'All' })

test('the configuration is refused if it adds more', () => {
  const file = {
    pods: { Notebook: { annotations: { ...large.annotations, c: 'x'.repeat(1000) } } },
  }
  expect(configOf(file)).toEqual({
    errors: [
      {
        field: 'pods.Notebook',
        message: 'Too long: may be no more than 32768 bytes as JSON, not 33038',
      },
    ],
  })
})

describe('annotations stay within what Kubernetes allows', () => {
  test.each([
    ...cases,
    {
      when: 'build arguments',
      parent: aModel({ build: { git: { url: 'https://example.com/r' }, args: argsOf(52) } }, long),
    },
    {
      when: 'what the configuration adds',
      parent: aModel(filled(of, '"', large), long),
      file: { pods: { Model: large } },
    },
    {
      when: 'the network of a build, and what the configuration adds to it',
      parent: aModel(
        {
          build: { git: { url: 'https://example.com/r' }, args: argsOf(31) },
          env: { HTTPS_PROXY: 'x'.repeat(8000), CA_CERTIFICATES: 'x'.repeat(8000) },
        },
        long,
      ),
      file: { pods: { builder: large }, builder: { env: network } },
    },
  ])('$when', ({ parent, file }: { parent: Parent; file?: ConfigFile }) => {
    const answer = sync(parent, [base, data], file ? aConfig(file) : config)
    expect(readyOf(answer)).not.toContain('InvalidSpec')
    const largest = Math.max(...answer.children.map(annotationBytes))
    expect(largest).toBeGreaterThan(maxCarriedBytes * 0.95)
    expect(largest).toBeLessThan(allowed - 8 * 1024)
  })
})
