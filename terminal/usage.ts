import { printable } from '../crds/text.ts'

/** The exit code of a wrong call. */
export const usageCode = 2

/** Names no program: the same one is started by kubectl, by npm and in an image. */
export const seeUsage = 'add --help to see the usage'

export function usageError(message: string): number {
  console.error(`error: ${printable(message)}\n${seeUsage}`)
  return usageCode
}
