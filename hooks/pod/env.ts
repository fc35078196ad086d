import type { Config } from '../../crds/config.ts'
import { unexpanded } from '../../crds/expansion.ts'
import { networkIn } from '../../crds/networkvariables.ts'
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

/**
 * The network variables for the clone of a build, which gets no other variable of the user. Those of the
 * user take precedence over those of the builder, because the clone has the user's own credentials.
 */
export const cloneEnv = (
  env: Readonly<Record<string, string>> | undefined,
  { builder }: Config,
): Env => networkIn({ ...builder.env, ...env }).map(([name, value]) => variable(name, value))

/**
 * The proxies for the steps of a build. The builder has the administrator's push credentials: through a
 * proxy and a CA of the user, they could be read on their way to the registry. So the variables have
 * different names, and the builder itself uses none of them.
 */
export const stepEnv = (env: Readonly<Record<string, string>> | undefined): Env =>
  networkIn(env)
    .filter(([name]) => name !== 'CA_CERTIFICATES')
    .map(([name, value]) => variable(`STEP_${name}`, value))

/** The network of the programs that have the push credentials: only the administrator sets it. */
export const builderNetwork = ({ builder }: Config): Env =>
  networkIn(builder.env).map(([name, value]) => variable(name, value))
