import { coresPattern, quantityPattern } from '../common.ts'
import { intOrString } from '../schema/builders.ts'

/** Memory or disk. */
export const size = (what: string) => intOrString(what, { pattern: quantityPattern, minimum: 0 })

export const cores = (what: string) => intOrString(what, { pattern: coresPattern, minimum: 0 })
