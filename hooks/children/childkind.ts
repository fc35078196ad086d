/** A kind of object that a hook can return, and its resource at the API server. */
export interface ChildKind {
  readonly apiVersion: string
  readonly kind: string
  readonly resource: string
  /** Not every cluster serves it. A controller lists it as a child only in clusters that do. */
  readonly optional?: true
}

/** Every kind that can be a child. The behaviour of each of our kinds declares which it uses. */
export const childKinds = {
  Job: { apiVersion: 'batch/v1', kind: 'Job', resource: 'jobs' },
  PersistentVolumeClaim: {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    resource: 'persistentvolumeclaims',
  },
  Deployment: { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments' },
  StatefulSet: { apiVersion: 'apps/v1', kind: 'StatefulSet', resource: 'statefulsets' },
  Service: { apiVersion: 'v1', kind: 'Service', resource: 'services' },
  NetworkPolicy: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    resource: 'networkpolicies',
  },
  ResourceClaimTemplate: {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaimTemplate',
    resource: 'resourceclaimtemplates',
    optional: true,
  },
} as const satisfies Readonly<Record<string, ChildKind>>

export type ChildKindName = keyof typeof childKinds

/** A child of a kind of ours, as a user finds it. */
export interface Made {
  readonly kind: ChildKindName
  /** For an object called NAME. One of more than 63 characters is shortened, and ends with a hash. */
  readonly name: string
  readonly purpose: string
}
