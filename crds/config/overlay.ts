import type { Schema } from '../schema/builders.ts'

/** What a file may say, where all that the defaults set is there. */
export type Overlaid<File, Defaults> = File extends Whole
  ? File
  : string extends keyof File
    ? File
    : Omit<File, keyof Defaults> & {
        readonly [K in keyof File & keyof Defaults]-?: Overlaid<NonNullable<File[K]>, Defaults[K]>
      }

/** Neither these nor maps have fields of their own. */
type Whole = string | number | boolean | readonly unknown[]

/** Field by field, to any depth; maps such as profiles, and lists, are replaced whole. */
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
