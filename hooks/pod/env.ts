import { unexpanded } from '../../crds/expansion.ts'
import { paramVariable } from '../../crds/rules/params.ts'
import { referredIn } from '../../crds/secrets.ts'
import type { EnvVar } from '../children/manifesttypes.ts'

export type Env = readonly EnvVar[]

/** The kubelet reads a value that is exactly `${{ secrets.NAME.KEY }}`; this code never does. */
function variable(name: string, value: string): EnvVar {
  const referred = referredIn(value)
  if (referred) {
    const { kind, ...key } = referred
    return { name, valueFrom: kind === 'Secret' ? { secretKeyRef: key } : { configMapKeyRef: key } }
  }
  // The API server drops an empty value, and Metacontroller would write it again for ever.
  return value ? { name, value } : { name }
}

/**
 * PARAM_* from params, then env, which wins; sorted by name. A parameter has the same value as in
 * params.json, while `$(NAME)` in env is expanded as in any container.
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

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY']

/** The variables of spec.env that say how to reach a host. */
const networkNames = [
  ...proxyNames,
  ...proxyNames.map((name) => name.toLowerCase()),
  'CA_CERTIFICATES',
]

/** The variables of the network that are set, in a fixed order. */
export const networkIn = (
  env: Readonly<Record<string, string>> = {},
): readonly (readonly [name: string, value: string])[] =>
  networkNames.flatMap((name) => {
    const value = env[name]
    return value === undefined ? [] : [[name, value] as const]
  })

/** The network variables for the clone of a build, which gets no other variable of the user. */
export const networkEnv = (env: Readonly<Record<string, string>> | undefined): Env =>
  networkIn(env).map(([name, value]) => variable(name, value))

/**
 * The proxies for the steps of a build. The builder has the administrator's push credentials: through a
 * proxy and a CA of the user, they could be read on their way to the registry. So the variables have
 * different names, and the builder itself uses none of them.
 */
export const stepEnv = (env: Readonly<Record<string, string>> | undefined): Env =>
  networkIn(env)
    .filter(([name]) => name !== 'CA_CERTIFICATES')
    .map(([name, value]) => variable(`STEP_${name}`, value))
