import type { Cluster } from '../cluster/kubeconfig.ts'
import { type Candidates, completed } from './completion.ts'
import { program } from './program.ts'

/**
 * Answers kubectl's own completion, whatever the shell: candidates line by line, then a directive of cobra's
 * behind a colon. https://github.com/kubernetes/sample-cli-plugin#shell-completion
 */

const files = ':0'
const noFiles = ':4'
const noFilesNorSpace = ':6'

/** A person waits at the keyboard. */
const patienceMilliseconds = 3000

export async function complete(words: readonly string[]): Promise<void> {
  const { candidates, cluster } = completed(program, words)
  const lines = await Promise.race([
    linesOf(candidates, cluster).catch(() => []),
    new Promise<readonly string[]>((resolve) => setTimeout(resolve, patienceMilliseconds, [])),
  ])
  const typed = words.at(-1) ?? ''
  const fitting = lines.filter((line) => line.startsWith(typed))
  const isBegun = fitting.length > 0 && fitting.every((line) => line.endsWith('/'))
  const directive = 'files' in candidates ? files : isBegun ? noFilesNorSpace : noFiles
  process.stdout.write(`${[...fitting, directive].join('\n')}\n`)
}

async function linesOf(
  candidates: Candidates,
  options: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  if ('words' in candidates) return candidates.words
  if ('files' in candidates) return []
  // Loaded only now: the Kubernetes client alone takes half a second.
  const { clusterOf } = await import('../cluster/kubeconfig.ts')
  const cluster = clusterOf(options)
  const names =
    candidates.ask === 'contexts'
      ? cluster.kubeConfig.getContexts().map(({ name }) => name)
      : await namesAt(cluster, await pathOf(candidates, cluster.namespace))
  const without = candidates.ask === 'objects' ? candidates.without : []
  return names
    .filter((name) => !without.includes(name))
    .map((name) => `${candidates.prefix}${name}`)
}

async function pathOf(candidates: Candidates, namespace: string): Promise<string> {
  if (!('ask' in candidates)) return ''
  if (candidates.ask === 'namespaces') return '/api/v1/namespaces'
  if (candidates.ask !== 'objects') return `/api/v1/namespaces/${namespace}/serviceaccounts`
  const { pathOf } = await import('../cluster/collections.ts')
  return pathOf(candidates.kind, namespace)
}

/** Names only: objects may be large. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

async function namesAt({ kubeConfig }: Cluster, path: string): Promise<readonly string[]> {
  const { read } = await import('../cluster/exchange.ts')
  const query = { limit: '500' }
  const accept = `${metadataOnly},application/json`
  const { items } = await read<{ readonly items: readonly { metadata: { name: string } }[] }>(
    kubeConfig,
    path,
    query,
    { accept },
  )
  return items.map(({ metadata }) => metadata.name)
}
