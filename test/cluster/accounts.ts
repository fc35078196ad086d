import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ControlPlane } from '../../platform/controlplane/controlplane.ts'
import type { Target } from './chart.ts'
import { ok, type Shown } from './cluster.ts'

/** ServiceAccounts: their kubeconfigs, requests and rights. */

/** A kubeconfig of a ServiceAccount. */
export async function accountOf(
  target: Target,
  plane: ControlPlane,
  namespace: string,
  name: string,
): Promise<string> {
  const args = ['-n', namespace, 'create', 'token', name, '--duration=3h']
  const token = (await ok(args, undefined, target)).trim()
  const path = join(plane.dir, `${namespace}-${name}.kubeconfig`)
  const ca = readFileSync(plane.pki.ca.cert).toString('base64')
  const cluster = { server: plane.server, 'certificate-authority-data': ca }
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'cluster', cluster }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: 'cluster', user: name } }],
    'current-context': name,
  }
  writeFileSync(path, stringify(config), { mode: 0o600 })
  return path
}

/** The distinct requests of a ServiceAccount to the API server: verb, resource, and FORBIDDEN after a 403. */
export const requestsOf = (target: Target, account: string): readonly string[] => [
  ...new Set(
    readFileSync(target.auditLog, 'utf8')
      .split('\n')
      .filter((line) => line.includes(`"username":"system:serviceaccount:${account}"`))
      .map((line) => JSON.parse(line))
      .filter(({ objectRef }: Shown) => objectRef)
      .map(({ verb, objectRef, responseStatus }: Shown) =>
        [
          verb,
          [objectRef.resource, objectRef.subresource].filter(Boolean).join('/'),
          responseStatus?.code === 403 ? 'FORBIDDEN' : '',
        ]
          .join(' ')
          .trim(),
      ),
  ),
]

const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']

/** What an account may do, out of all verbs on all resources that the cluster serves. */
export async function allowed(
  target: Target,
  account: string,
  namespace: string,
): Promise<readonly string[]> {
  const table = await ok(['api-resources', '--no-headers', '-o', 'name'], undefined, target)
  const questions = table
    .trim()
    .split('\n')
    .flatMap((line) => {
      const [resource = '', ...group] = line.trim().split('.')
      return verbs.map((verb) => ({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: `system:serviceaccount:${account}`,
          groups: ['system:serviceaccounts', 'system:authenticated'],
          resourceAttributes: { verb, resource, group: group.join('.'), namespace },
        },
      }))
    })
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: questions })
  const fields = ['verb', 'resource'].map((it) => `{.spec.resourceAttributes.${it}}`).join(' ')
  const shape = `jsonpath={.status.allowed} ${fields}{"\\n"}`
  const answers = await ok(['create', '-f', '-', '-o', shape], list, target)
  return answers
    .split('\n')
    .flatMap((line) => /^true (.*)$/.exec(line)?.[1] ?? [])
    .sort()
}
