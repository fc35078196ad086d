import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ok } from '../cluster/cluster.ts'

/** The path of a kubeconfig of somebody who may edit one namespace, its default, and nothing else. */
export async function editorOf(ns: string, folder: string): Promise<string> {
  await ok(['-n', ns, 'create', 'serviceaccount', 'editor'])
  const who = ['--clusterrole=edit', `--serviceaccount=${ns}:editor`]
  await ok(['-n', ns, 'create', 'rolebinding', 'editor', ...who])
  const token = (await ok(['-n', ns, 'create', 'token', 'editor', '--duration=1h'])).trim()
  const own = JSON.parse(await ok(['config', 'view', '--raw', '--minify', '-o', 'json']))
  const [{ name: cluster }] = own.clusters
  const path = join(folder, 'editor.kubeconfig')
  writeFileSync(
    path,
    JSON.stringify({
      ...own,
      users: [{ name: 'editor', user: { token } }],
      contexts: [{ name: 'editor', context: { cluster, user: 'editor', namespace: ns } }],
      'current-context': 'editor',
    }),
  )
  chmodSync(path, 0o600)
  return path
}
