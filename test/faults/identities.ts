import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { stringify } from 'yaml'
import { ok } from '../cluster/cluster.ts'

/** ServiceAccounts whose token is a file, which can be replaced as the kubelet replaces a mounted one. */

const home = 'substratus-system'
export type Account = 'server' | 'metacontroller'

/** The accounts may do anything: rights are the subject of other tests. */
export async function createAccounts(): Promise<void> {
  await ok(['create', 'namespace', home])
  for (const name of ['server', 'metacontroller']) {
    await ok(['-n', home, 'create', 'serviceaccount', name])
    await ok([
      ...['create', 'clusterrolebinding', `faults-${name}`, '--clusterrole=cluster-admin'],
      `--serviceaccount=${home}:${name}`,
    ])
  }
}

/** Replaces a file at once, so that no reader finds half of it. */
export function replace(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Gives an account a new token. The returned function revokes it. */
export async function renewToken(folder: string, account: Account): Promise<() => Promise<void>> {
  // A token is valid as long as the Secret to which it is bound exists.
  const bound = `${account}-${Date.now()}`
  await ok(['-n', home, 'create', 'secret', 'generic', bound])
  const token = await ok([
    ...['-n', home, 'create', 'token', account, '--duration=3h'],
    ...['--bound-object-kind=Secret', `--bound-object-name=${bound}`],
  ])
  replace(join(folder, `${account}.token`), token.trim())
  return async () => {
    await ok(['-n', home, 'delete', 'secret', bound])
  }
}

/** A kubeconfig for an account, which reaches the API server at this URL. */
export function kubeconfigOf(folder: string, account: Account, server: string): string {
  const tokenFile = join(folder, `${account}.token`)
  const ca = readFileSync(inject('cluster').ca).toString('base64')
  // Go and JavaScript read a token file again each minute, but find its path in different fields.
  const isGo = account === 'metacontroller' && inject('cluster').controller === 'metacontroller'
  const user = isGo
    ? { tokenFile }
    : { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } }
  const path = join(folder, `${account}.kubeconfig`)
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster: { server, 'certificate-authority-data': ca } }],
    users: [{ name: account, user }],
    contexts: [{ name: account, context: { cluster: 'cluster', user: account } }],
    'current-context': account,
  }
  writeFileSync(path, stringify(config), { mode: 0o600 })
  return path
}
