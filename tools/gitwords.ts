/** Finds in Git's output why it failed. */

/** Lines that Git adds to every failure of ssh, after ssh's own message. */
const advice =
  /^(fatal: Could not read from remote repository\.|Please make sure you have the correct access rights|and the repository exists\.|hint: .*|(remote: *)?=*|Warning: Permanently added .*)$/

const unreachable =
  /Could(n't| not) (resolve|connect)|Failed to connect|Connection (refused|timed out|reset|closed)|(Operation|Connection) timed out|No route to host|Network is (unreachable|down)|Temporary failure in name resolution/i

/** The lines of the message, without advice and without the names of programs in front. */
export const messageLines = (output: string): readonly string[] =>
  output
    .split(/\r?\n|\r/)
    .map((line) => line.trim())
    .filter((line) => !advice.test(line))
    .map((line) => line.replace(/^((fatal|error|ssh): |unable to access '[^']*': )+/, ''))

/** Why the host cannot be reached, as ssh or Git reports it. */
export const unreachableIn = (output: string): string | undefined =>
  messageLines(output).find((line) => unreachable.test(line) && !line.startsWith('remote:'))
