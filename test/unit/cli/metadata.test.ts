import { describe, expect, test } from 'vitest'
import { decoded } from '../../../cli/encoding.ts'
import { metadataErrors } from '../../../cli/metadatarules.ts'
import { mistyped } from '../../../cli/metadatatypes.ts'
import { withoutNulls } from '../../../cli/nulls.ts'
import { unknownFields } from '../../../cli/unknownfields.ts'
import { Model } from '../../../crds/model.ts'
import { sentence } from '../../../crds/schema/validator.ts'

/** test/cluster/validate.test.ts compares hundreds of manifests with a real API server. */

describe('metadata of wrong types', () => {
  test.each<{ metadata: unknown; says: string }>([
    { metadata: 'falcon', says: 'metadata: Invalid value: must be an object, not a string' },
    {
      metadata: { name: true },
      says: 'metadata.name: Invalid value: must be a string, not a boolean: write it in quotes',
    },
    {
      metadata: { labels: { version: 2 } },
      says: 'metadata.labels.version: Invalid value: must be a string, not a number: write it in quotes',
    },
    {
      metadata: { creationTimestamp: '2001-01-01' },
      says: 'metadata.creationTimestamp: Invalid value: must be a time as in RFC 3339, not a string',
    },
    {
      metadata: { ownerReferences: [{ controler: true }] },
      says: 'metadata.ownerReferences[0].controler: unknown field',
    },
  ])('$says', ({ metadata, says }) => {
    expect(mistyped(metadata).map(sentence)).toEqual([says])
  })

  test('null counts as absent', () => {
    expect(mistyped({ name: 'a', labels: null, annotations: { a: null } })).toEqual([])
  })
})

describe('metadata that the API server refuses', () => {
  test.each<{ metadata: object; says: string }>([
    {
      metadata: { labels: { 'a/b/c': 'x' } },
      says: 'metadata.labels: Invalid value: "a/b/c": must be NAME or PREFIX/NAME',
    },
    {
      metadata: { labels: { team: 'ours & theirs' } },
      says: 'metadata.labels: Invalid value: "ours & theirs": a label is empty, or',
    },
    {
      metadata: { annotations: { a: 'x'.repeat(256 * 1024) } },
      says: 'metadata.annotations: Too long: may not be more than 262144 bytes',
    },
    {
      metadata: { generateName: 'Falcon-' },
      says: 'metadata.generateName: Invalid value: "Falcon-": must be the beginning of a DNS name',
    },
    {
      metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a' }] },
      says: 'metadata.ownerReferences[0].uid: Required value',
    },
    {
      metadata: { finalizers: ['orphan', 'foregroundDeletion'] },
      says: 'metadata.finalizers: Invalid value: "orphan,foregroundDeletion": ',
    },
  ])('$says', ({ metadata, says }) => {
    const errors = metadataErrors(metadata as Readonly<Record<string, unknown>>)
    expect(errors.map(sentence)).toEqual([expect.stringContaining(says)])
  })
})

test('UTF-16 is recognized by its byte order mark, which is not part of the text', () => {
  const little = Buffer.from('\ufeffkind: Model', 'utf16le')
  const texts = [little, Buffer.from(little).swap16(), Buffer.from('\ufeffkind: Model')].map(
    decoded,
  )
  expect(texts).toEqual(['kind: Model', 'kind: Model', 'kind: Model'])
})

test('null fields are removed as the API server does, and null items stay', () => {
  const spec = { suspend: null, params: { a: null, b: 1 }, args: [null], unknown: null }
  expect(withoutNulls(Model.spec, spec)).toEqual({ params: { b: 1 }, args: [null], unknown: null })
})

test('a status may have only known fields', () => {
  const status = { ready: true, redy: true, conditions: [{ type: 'Ready', tipe: 'a' }] }
  expect(unknownFields(Model.status, status, 'status').map(({ field }) => field)).toEqual([
    'status.redy',
    'status.conditions[0].tipe',
  ])
})
