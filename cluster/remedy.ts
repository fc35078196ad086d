import { group } from '../crds/kind.ts'
import type { Refusal } from './refusal.ts'

/**
 * What a command prints after a failed request: the API server's own message as an error, and for what the
 * user may not do, the binding that would allow it. `namespace` is undefined if the command was about all.
 */
export function failureLines(
  { code, message, name }: Refusal,
  namespace: string | undefined,
): readonly string[] {
  switch (code) {
    case 401:
      return [`error: ${message}: the kubeconfig’s credentials are invalid, or have expired`]
    case 403:
      return [`error: ${message}`, ...remedyOf(message, namespace)]
    case 404:
      // Without a name it is the kind that does not exist.
      return [
        name
          ? `error: ${message}`
          : `error: this cluster has no ${group} kinds: Substratus is not installed there`,
      ]
    default:
      return [`error: ${message}`]
  }
}

const reading = ['get', 'list', 'watch']

/** A WebSocket to these counts as reading, and the role `view` still has no right to it. */
const intoPods = /"pods\/(exec|portforward)"/

/**
 * The binding that would allow what the API server says is forbidden: the chart adds our kinds to these roles. Only
 * for its own refusals: a text that others write could name an account of theirs.
 */
export function remedyOf(message: string, namespace: string | undefined): readonly string[] {
  const [, user = '', verb = ''] = /User "([^"]+)" cannot (\w+)/.exec(message) ?? []
  if (!user) return []
  const role = reading.includes(verb) && !intoPods.test(message) ? 'view' : 'edit'
  const [, where, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? []
  const subject = account
    ? `--serviceaccount=${quoted(`${where}:${account}`)}`
    : `--user=${quoted(user)}`
  const short = (account ?? user)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  const binding = `${short || 'somebody'}-${role}`
  return namespace === undefined
    ? [
        'one namespace, with -n instead of -A, needs fewer rights. To allow all, an administrator runs:',
        `  kubectl create clusterrolebinding ${binding} --clusterrole=${role} ${subject}`,
      ]
    : [
        'to allow it, an administrator of the namespace runs:',
        `  kubectl create rolebinding ${binding} -n ${namespace} --clusterrole=${role} ${subject}`,
      ]
}

const quoted = (word: string): string =>
  /^[\w@.:/+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
