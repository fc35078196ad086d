/** What of Git's output says why it failed. */

/** Git ends with advice after every failure of ssh, whatever ssh itself has said before it. */
const advice =
  /^(fatal: Could not read from remote repository\.|Please make sure you have the correct access rights|and the repository exists\.|hint: .*|(remote: *)?=*|Warning: Permanently added .*)$/

const unreachable =
  /Could(n't| not) (resolve|connect)|Failed to connect|Connection (refused|timed out|reset|closed)|(Operation|Connection) timed out|No route to host|Network is (unreachable|down)|Temporary failure in name resolution/i

/** The lines that say something, without advice, and without the names of the programs before them. */
export const wordsOf = (said: string): readonly string[] =>
  said
    .split(/\r?\n|\r/)
    .map((line) => line.trim())
    .filter((line) => !advice.test(line))
    .map((line) => line.replace(/^((fatal|error|ssh): |unable to access '[^']*': )+/, ''))

/** Why the host cannot be reached, in the words of ssh or of Git. */
export const unreachableIn = (said: string): string | undefined =>
  wordsOf(said).find((line) => unreachable.test(line) && !line.startsWith('remote:'))
