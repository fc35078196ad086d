/** Limits on the errors that are reported about one object. */

/** At most this many errors are reported; the others are only counted. */
export const maxErrors = 100

/** No field of ours has a longer name; longer ones are cut in messages. */
export const longestName = 100

export const shortened = (text: string): string =>
  text.length > longestName ? `${text.slice(0, longestName)}…` : text
