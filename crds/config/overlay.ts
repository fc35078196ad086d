import type { Schema } from '../schema/builders.ts'

/** The type of a file merged with the defaults: fields with a default are required. */
export type Overlaid<File, Defaults> = File extends Whole
  ? File
  : string extends keyof File
    ? File
    : Omit<File, keyof Defaults> & {
        readonly [K in keyof File & keyof Defaults]-?: Overlaid<NonNullable<File[K]>, Defaults[K]>
      }

/** Replaced as a whole, as maps are. */
type Whole = string | number | boolean | readonly unknown[]

/** Merges field by field, to any depth; lists, and maps such as profiles, are replaced as a whole. */
export function overlay(schema: Schema, standard: unknown, given: unknown): unknown {
  if (given === undefined) return standard
  if (!schema.properties || standard === undefined) return given
  const fields = given as Readonly<Record<string, unknown>>
  const defaults = standard as Readonly<Record<string, unknown>>
  return {
    ...defaults,
    ...Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        overlay(schema.properties?.[name] as Schema, defaults[name], value),
      ]),
    ),
  }
}
