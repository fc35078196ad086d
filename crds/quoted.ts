/** Names in a message: sorted, each in double quotes. */
export const quoted = (names: readonly string[]): string =>
  [...names]
    .sort()
    .map((name) => `"${name}"`)
    .join(', ')
