import type { Parent } from '../../crds/kind.ts'
import type { Child } from '../observe/protocol.ts'
import type { ChildKind } from './childkind.ts'
import { labelsOf, selectorOf } from './metadata.ts'

export const services: ChildKind = {
  apiVersion: 'v1',
  kind: 'Service',
  resource: 'services',
}

/** The port is always 8080 or 8888, whichever port the container listens on. */
export const service = (
  parent: Parent,
  name: string,
  port: number,
  targetPort: number,
  headless = false,
): Child => ({
  apiVersion: services.apiVersion,
  kind: services.kind,
  metadata: { name, labels: labelsOf(parent, 'serve') },
  spec: {
    ...(headless && { clusterIP: 'None' }),
    selector: { ...selectorOf(parent), 'substratus.ai/stage': 'serve' },
    ports: [{ name: 'http', port, protocol: 'TCP', targetPort }],
  },
})
