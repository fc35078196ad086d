import { describe, expect, test } from 'vitest'
import { type ConfigFile, configOf } from '../../../crds/config.ts'
import type { Parent } from '../../../crds/kind.ts'
import type { PodFields } from '../../../crds/podtemplate.ts'
import type { AnySpec } from '../../../crds/rule.ts'
import { carriedBytes, maxCarriedBytes } from '../../../crds/rules/size.ts'
import type { Child } from '../../objects.ts'
import {
  aConfig,
  aDataset,
  aModel,
  aModelServer,
  aNotebook,
  complete,
  readyOf,
  sync,
} from '../../objects.ts'

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

const many = (count: number, entry: (index: number) => readonly [string, unknown]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)))

/** As many variables as possible, of the largest kind, and a filler up to the limit. */
function filled(more: object, filler: string, below?: PodFields) {
  const spec = {
    image: 'example.com/train:1',
    env: many(128, (i) => [`E${i}`, '${{secrets.a.b}}']),
    params: many(512, (i) => [`p${i}`, i]),
    ...more,
  }
  const room = maxCarriedBytes - carriedBytes({ ...spec, command: [''] } as AnySpec, below)
  const each = carriedBytes({ command: [filler] }) - carriedBytes({ command: [''] })
  return { ...spec, command: [filler.repeat(Math.floor(room / each))] }
}

const long = { name: 'n'.repeat(50) }
const base = complete(aModel({ image: 'i' }), { url: 'pvc://falcon-model-artifacts/run/1' })
const data = complete(aDataset({ source: 's3://b' }), { url: 'pvc://squad-dataset-artifacts/l/1' })
const of = { model: { name: 'falcon' }, dataset: { name: 'squad' } }

const argsOf = (count: number) => many(count, (i) => [`A${i}`, '<'.repeat(700)])
const cases = ['x', '"', '<', '\\', 'ü'].flatMap((filler): { when: string; parent: Parent }[] => [
  { when: `a Model with ${filler}`, parent: aModel(filled(of, filler), long) },
  { when: `a Dataset with ${filler}`, parent: aDataset(filled({}, filler), long) },
  {
    when: `a ModelServer with ${filler}`,
    parent: aModelServer(filled({ model: of.model }, filler), long),
  },
  {
    when: `a Notebook with ${filler}`,
    parent: aNotebook(filled({ ...of, idleTimeout: '1h' }, filler), long),
  },
])

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
