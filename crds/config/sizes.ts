import { coresPattern, mostGibibytes, quantityPattern } from '../common.ts'
import { intOrString } from '../schema/builders.ts'

/** Memory or disk: no thousandths of a byte, and no integer that was meant as bytes. */
export const size = (what: string) =>
  intOrString(what, {
    pattern: quantityPattern.replace('(m|', '('),
    minimum: 0,
    maximum: mostGibibytes,
  })

export const cores = (what: string) => intOrString(what, { pattern: coresPattern, minimum: 0 })
