import { listAll, pathOf } from '../cluster/collections.ts'
import { codeOf, read } from '../cluster/exchange.ts'
import type { Cluster } from '../cluster/kubeconfig.ts'
import { type Refusal, refusalOf } from '../cluster/refusal.ts'
import { group, type Parent } from '../crds/kind.ts'
import { nearNames } from '../view/near.ts'
import type { Shown } from '../view/object.ts'
import type { Target } from './target.ts'

/** Why a command could not do its work, and what would let it. */

/** Runs a command; a refusal of the API server ends it with code 1, and the command that helps. */
export async function explaining(
  namespace: string | undefined,
  run: () => Promise<number>,
): Promise<number> {
  try {
    return await run()
  } catch (error) {
    for (const line of failureLines(refusalOf(error), namespace)) console.error(line)
    return 1
  }
}

/** `namespace` is undefined if the command was about all of them. */
export function failureLines(
  { code, message, name }: Refusal,
  namespace: string | undefined,
): readonly string[] {
  switch (code) {
    case undefined:
      return [`error: ${message}`]
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

/** The binding that would allow what was forbidden: the chart adds our kinds to these roles. */
function remedyOf(message: string, namespace: string | undefined): readonly string[] {
  const [, user = '', verb = ''] = /User "([^"]+)" cannot (\w+)/.exec(message) ?? []
  if (!user) return []
  const role = reading.includes(verb) ? 'view' : 'edit'
  const [, where, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? []
  const subject = account ? `--serviceaccount=${where}:${account}` : `--user=${quoted(user)}`
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

/** The object; the error for one that does not exist has the names that resemble it. */
export async function objectAt(
  { kubeConfig, namespace }: Cluster,
  { kind, name }: Target,
): Promise<Shown> {
  try {
    return await read<Shown>(
      kubeConfig,
      `${pathOf(kind, namespace)}/${encodeURIComponent(name)}`,
      {},
    )
  } catch (error) {
    if (codeOf(error) !== 404 || refusalOf(error).name !== name) throw error
    const missing = `${kind.kind} "${name}" does not exist in namespace "${namespace}"`
    throw new Error(`${missing}${await othersOf({ kubeConfig, namespace }, { kind, name })}`)
  }
}

/** Somebody who may read a single object may not list them: then nothing is added. */
async function othersOf(
  { kubeConfig, namespace }: Cluster,
  { kind, name }: Target,
): Promise<string> {
  try {
    const all = await listAll<Parent>(kubeConfig, pathOf(kind, namespace))
    const near = nearNames(
      name,
      all.map(({ metadata }) => metadata.name),
    )
    return near.length
      ? `; ${kind.plural} there: ${near.join(', ')}`
      : `, and no other ${kind.singular} does`
  } catch {
    return ''
  }
}
