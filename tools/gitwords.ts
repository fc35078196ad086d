/** Finds in Git's output why it failed. */

export interface Wanted {
  readonly url: string
  readonly branch?: string
  readonly tag?: string
  readonly commit?: string
}

/** The scheme, host and port of a URL; `user@host:path` is another spelling of ssh://. */
export function originOf(url: string): string {
  const [, host] = /^(?:[^@:/]+@)?([^@:/[\]]+|\[[^\]/]+\]):(?!\/\/|:)/.exec(url) ?? []
  if (host) return `ssh://${host}`
  if (!URL.canParse(url)) return ''
  const { protocol, host: named } = new URL(url)
  return `${protocol}//${protocol === 'ssh:' ? named.replace(/:22$/, '') : named}`
}

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

/** Turns Git's error into a message that says what the manifest's author can do. */
export function clonedFault(output: string, wanted: Wanted, hasSecret: boolean): string {
  const { url, branch, tag, commit } = wanted
  const what = branch ? `branch "${branch}"` : tag ? `tag "${tag}"` : `commit "${commit}"`
  if (/couldn't find remote ref|not our ref|unadvertised object|no such remote ref/i.test(output))
    return branch || tag || commit
      ? `${url} has no ${what}`
      : `${url} is empty: there is no commit to build`
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/i.test(output))
    return `${url}: the host has another key than known_hosts says: compare both with what the host publishes`
  if (/certificate verification failed|SSL certificate problem/i.test(output))
    return `${url}: its certificate cannot be trusted: put its authority's as ca.crt into the Secret, or ask the administrator for git.caBundle`
  if (/Host key verification failed/i.test(output))
    return `${url}: the host key is not known: put known_hosts into the Secret, or ask the administrator for git.knownHosts`
  const [, asking = ''] = /could not read (?:Username|Password) for '([^']+)'/i.exec(output) ?? []
  const elsewhere = URL.canParse(asking) ? originOf(asking) : ''
  const named = originOf(url)
  if (elsewhere && elsewhere !== named)
    return `${url} redirects to ${elsewhere}, which asks for credentials; those of build.git.secretName are sent only to ${named}: if you trust the new address, write it in build.git.url`
  if (/protocol "?http"? (not supported|disabled)/i.test(output))
    return `${url} redirects to plain http://, where nothing protects what is cloned: write the address it has moved to in build.git.url`
  const [, unreadable] = /^Load key "[^"]*": (.*)$/m.exec(output) ?? []
  if (unreadable && hasSecret)
    return `${url}: ssh cannot read ssh-privatekey in the Secret of build.git.secretName: ${unreadable.trim()}`
  if (
    /Authentication failed|could not read (Username|Password)|Permission denied|Too many authentication failures|The requested URL returned error: 40[13]|terminal prompts disabled/i.test(
      output,
    )
  )
    return hasSecret
      ? `${url} refuses the credentials of the Secret in build.git.secretName`
      : `${url} asks for credentials: name a basic-auth or ssh-auth Secret in build.git.secretName`
  if (
    /repository .*not found|project .*could not be found|does not appear to be a git repository|returned error: 404/i.test(
      output,
    )
  )
    return hasSecret
      ? `${url} does not exist, or the credentials of the Secret may not see it`
      : `${url} does not exist, or is private: then name a Secret in build.git.secretName`
  const cause = unreachableIn(output)
  if (cause) return `${url} cannot be reached: ${cause}`
  return `${url} cannot be cloned: ${messageLines(output).slice(-2).join('\n')}`
}
