import { type PodFields, podFieldNames } from '../podtemplate.ts'
import { quoted } from '../quoted.ts'
import type { PodRule } from './podrule.ts'

/** The administrator's allow-list, podFields. It applies to objects, not to the configuration itself. */

const refusal = 'the administrator of this cluster does not allow it (podFields)'

/** `container.ports` → the ports; `volumes.csi` → the names of the volumes of that type. */
const given = (pod: PodFields, name: string): unknown => {
  const [field = '', inner = ''] = name.split('.')
  const value = (pod as Readonly<Record<string, unknown>>)[field]
  if (field !== 'volumes')
    return inner ? (value as Readonly<Record<string, unknown>> | undefined)?.[inner] : value
  const volumes = pod.volumes?.filter((volume) => Object.hasOwn(volume, inner)) ?? []
  return volumes.length ? volumes.map((volume) => volume.name) : undefined
}

export const allowedRules: readonly PodRule[] = podFieldNames.map((name) => ({
  field: name.replace(/^volumes\..*/, 'volumes'),
  fault: ({ own, spec, config }) => {
    if (!spec || config.podFields.includes(name)) return undefined
    const value = given(own, name)
    if (value === undefined) return undefined
    return name.startsWith('volumes.')
      ? `Forbidden: ${quoted(value as readonly string[])}: ${name}: ${refusal}`
      : `Forbidden: ${refusal}`
  },
}))
