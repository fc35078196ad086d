import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { kinds } from '../../../crds/kinds.ts'
import type { Rule } from '../../../crds/rule.ts'
import { ownRules } from '../../../crds/rules.ts'
import type { Schema } from '../../../crds/schema/builders.ts'
import { admissionRules } from '../../../webhooks/rules/admission.ts'
import { deletionRules } from '../../../webhooks/rules/deletion.ts'

const all = [...admissionRules, ...deletionRules]

/** Whether a path such as spec.model.name is a field of the schema. */
const isField = (path: string, schema: Schema): boolean => {
  const [name, ...rest] = path.split('.')
  if (!name) return true
  const inner = schema.properties?.[name]
  return inner !== undefined && isField(rest.join('.'), inner)
}

/** A path that some kind has. */
const exists = (path: string): boolean =>
  path === 'metadata.name' ||
  path === 'spec' ||
  kinds.some(({ spec }) => path.startsWith('spec.') && isField(path.slice('spec.'.length), spec))

const isRule = (value: unknown): value is Rule =>
  typeof value === 'object' && value !== null && 'broken' in value && 'message' in value

describe('every rule is well formed', () => {
  test('the fields that a rule reads are in the schema', () => {
    const unknown = all.flatMap(({ field, reads = [field] }) =>
      reads.filter((path) => !exists(path)),
    )
    expect(unknown).toEqual([])
  })

  test('its message is about a field of an object', () => {
    const known = ({ field }: { readonly field: string }) =>
      ['', 'metadata.labels'].includes(field) || exists(field)
    expect(all.filter((rule) => !known(rule))).toEqual([])
  })

  test('no rule is in the tables twice', () => {
    const shown = all.map(({ field, broken, message }) => `${field} ${broken} ${message}`)
    expect(shown).toEqual([...new Set(shown)])
  })

  test('the rules of the hooks need no other object, and refuse', () => {
    expect(ownRules.filter(({ needs, warns }) => needs || warns)).toEqual([])
  })

  test.each(['crds/rules', 'webhooks/rules'])('every table of %s is included', async (folder) => {
    const root = new URL(`../../../${folder}/`, import.meta.url)
    const files = readdirSync(root)
    expect(files.length).toBeGreaterThan(1)
    for (const file of files) {
      const tables = Object.values(await import(new URL(file, root).href)).filter(Array.isArray)
      expect(tables, `${file} exports a table`).not.toEqual([])
      expect(tables.flat().filter((rule) => !isRule(rule) || !all.includes(rule))).toEqual([])
    }
  })
})
