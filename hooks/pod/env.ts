import { unexpanded } from '../../crds/expansion.ts'
import { paramVariable } from '../../crds/rules/params.ts'
import { secretIn } from '../../crds/secrets.ts'
import type { EnvVar } from '../children/manifesttypes.ts'

export type Env = readonly EnvVar[]

/** The kubelet reads a value that is exactly `${{ secrets.NAME.KEY }}`; this code never does. */
function variable(name: string, value: string): EnvVar {
  const secret = secretIn(value)
  if (secret) return { name, valueFrom: { secretKeyRef: secret } }
  // The API server drops an empty value, and Metacontroller would write it again for ever.
  return value ? { name, value } : { name }
}

/**
 * PARAM_* from params, then env, which wins; in the order of their names. A parameter is the same as
 * in params.json, while `$(NAME)` in env means what it means in a container.
 */
export function envOf(
  spec: {
    readonly params?: Readonly<Record<string, unknown>>
    readonly env?: Readonly<Record<string, string>>
  },
  more: Readonly<Record<string, string>> = {},
): Env {
  const params = Object.entries(spec.params ?? {}).map(([name, value]): [string, string] => [
    paramVariable(name),
    unexpanded(String(value)),
  ])
  return Object.entries({ ...more, ...Object.fromEntries(params), ...spec.env })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => variable(name, value))
}
