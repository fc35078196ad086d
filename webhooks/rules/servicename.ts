import type { Rule } from '../../crds/rule.ts'

/**
 * Before Kubernetes 1.36, the name of a Service must begin with a letter. An existing object may be in
 * a newer cluster, where its Service works.
 */
export const serviceNameRules: readonly Rule[] = [
  {
    field: 'metadata.name',
    broken: ({ object, oldObject }) =>
      !oldObject && object.kind in services && /^[0-9]/.test(object.metadata.name),
    message: ({ object: { kind, metadata } }) =>
      `Invalid value: "${metadata.name}": must begin with a letter, because its Service is named after it: "${metadata.name}${services[kind as keyof typeof services]}"`,
  },
]

/** The kinds that have a Service, and the suffix of its name. */
const services = { ModelServer: '-server', Notebook: '-notebook' } as const
