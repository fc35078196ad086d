import { group } from '../../crds/kind.ts'

/** The right that a key must have in a namespace, as SubjectAccessReviews ask for it. */
export const rightIn = (namespace: string) => ({
  namespace,
  verb: 'create',
  group,
  resource: 'modelservers',
  subresource: 'proxy',
})
