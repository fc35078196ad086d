import { printable } from '../crds/text.ts'

/** The exit code of a wrong call. */
export const usageCode = 2

/** Names no program: kubectl, npm and an image all start the same one. */
export const seeUsage = 'add --help to see the usage'

export function usageError(message: string): number {
  console.error(`error: ${printable(message)}\n${seeUsage}`)
  return usageCode
}
