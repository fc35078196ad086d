import type { CelRule } from './schema/builders.ts'

/** Parts of the CEL rules for the addresses of repositories and sources. */

/** Neither white space nor a control character, escaped for a string in CEL. */
export const printable = '[^\\\\x00-\\\\x20\\\\x7f-\\\\x9f]'
export const host = '[^/\\\\x00-\\\\x20\\\\x7f]+'

/** 1 to 65535, or nothing: then it is the scheme's own. */
const port =
  '(0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?'

const beforeColon = "self.find('^[a-z]+://[^/:]+')"
const afterColon = `self.substring(${beforeColon}.size() + 1)`

/**
 * Of an address that begins so, the port is a number: `ssh://git@host:path` is neither of the two
 * spellings that Git knows. An address with credentials is another rule's, which does not echo it.
 */
export const portRule = (schemes: string, credentials: string): CelRule => ({
  rule: [
    `!self.matches('^(${schemes})://[^/]+/')`,
    credentials,
    `self.matches('^[a-z]+://([^/]*@)?([^/:@]+|[[][0-9A-Fa-f:.]+])(:${port})?/')`,
  ].join(' || '),
  message: 'the port must be a number from 1 to 65535',
  messageExpression: [
    "self.matches('^[a-z]+://[^/:]+:[^/:]*[^/:0-9][^/:]*/')",
    `? '"' + ${afterColon}.find('^[^/]*') + '" is no port: write ' + ${beforeColon} + '/' + ${afterColon}`,
    ": 'the port must be a number from 1 to 65535'",
  ].join(' '),
})
