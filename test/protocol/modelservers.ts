import type { Stored } from './fakeapi.ts'
import { controlledBy, pod } from './person.ts'

/** ModelServers and their Pods in a fake API server. */

/** A ModelServer of the Model "falcon", with its Deployment and ReplicaSet. */
export const server = (
  name: string,
  ready = 'True Serving: serving',
  spec: object = {},
): Stored => {
  const [, status, reason, message] = /^(\S+) (\S+): (.*)$/.exec(ready) ?? []
  return {
    kind: 'ModelServer',
    metadata: { name, uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { model: { name: 'falcon' }, ...spec },
    status: { conditions: [{ type: 'Ready', status, reason, message }] },
  }
}
export const owners = (name: string): readonly Stored[] => [
  {
    kind: 'Deployment',
    metadata: {
      name: `${name}-server`,
      uid: `deployment-${name}`,
      ...controlledBy('ModelServer', name, `uid-${name}`),
    },
  },
  {
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-server-5f`,
      uid: `replicas-${name}`,
      ...controlledBy('Deployment', `${name}-server`, `deployment-${name}`),
    },
  },
]
const labelled = (name: string) => ({
  labels: {
    'substratus.ai/kind': 'modelserver',
    'substratus.ai/name': name,
    'substratus.ai/stage': 'serve',
  },
})
export const replica = (of: string, name = `${of}-1`, more: object = {}): Stored => ({
  ...pod(`uid-${name}`, {
    name,
    ...labelled(of),
    ...controlledBy('ReplicaSet', `${of}-server-5f`, `replicas-${of}`),
    ...more,
  }),
  spec: { containers: [{ name: 'server', ports: [{ name: 'http', containerPort: 9000 }] }] },
})
