import { presetsInWords } from '../config/presets.ts'
import { quoted } from '../quoted.ts'
import type { Rule } from '../rule.ts'

/** What the administrator's configuration offers: GPU profiles, server presets, plain HTTP, a registry. */
export const offerRules: readonly Rule[] = [
  {
    field: 'spec.resources.gpu.type',
    broken: ({ spec: { resources }, config: { gpus } }) =>
      resources?.gpu?.type !== undefined && !Object.hasOwn(gpus.profiles, resources.gpu.type),
    message: ({ spec: { resources }, config: { gpus } }) =>
      `Unsupported value: "${resources?.gpu?.type}": supported values: ${quoted(Object.keys(gpus.profiles))}`,
  },
  {
    field: 'spec.runtime',
    broken: ({ spec: { runtime }, config: { servers } }) =>
      runtime !== undefined && !Object.hasOwn(servers.presets, runtime),
    message: ({ spec: { runtime }, config: { servers } }) =>
      `Unsupported value: "${runtime}": supported values: ${presetsInWords(servers.presets)}`,
  },
  {
    field: 'spec.build.git.url',
    broken: ({ spec: { build }, config: { git } }) =>
      Boolean(build?.git?.url?.startsWith('http://')) && !git.allowHttp,
    message: () =>
      'Invalid value: plain http:// is not cloned on this cluster: use https:// or ssh://, or ask the administrator for git.allowHttp',
  },
  {
    field: 'spec.source',
    broken: ({ spec: { source }, config: { git } }) =>
      Boolean(source?.startsWith('http://')) && !git.allowHttp,
    message: () =>
      'Invalid value: plain http:// is not loaded on this cluster: use https://, or ask the administrator for git.allowHttp',
  },
  {
    field: 'spec.build',
    broken: ({ spec: { build }, config: { registry } }) => build !== undefined && !registry.prefix,
    message: () =>
      'Forbidden: nothing can be built here: the administrator has set no registry.prefix to push to; use image',
  },
  {
    field: 'spec.package',
    broken: ({ spec, config: { registry } }) => spec.package === 'Always' && !registry.prefix,
    message: () =>
      'Invalid value: "Always": the administrator has set no registry.prefix to push to: use Auto or Never',
  },
]
