import { valueReference } from './common.ts'
import type { Config } from './config.ts'
import type { PodFields } from './podtemplate.ts'
import { quoted } from './quoted.ts'
import type { AnySpec, Rule } from './rule.ts'

/** Where a spec names Secrets, and which Secrets it may not name. */

interface Referred {
  readonly kind: 'Secret' | 'ConfigMap'
  readonly name: string
  readonly key: string
}

const pattern = new RegExp(valueReference)

/** What `${{ secrets.NAME.KEY }}` or `${{ configmaps.NAME.KEY }}` refers to; undefined for any other value. */
export function referredIn(value: unknown): Referred | undefined {
  const match = typeof value === 'string' ? pattern.exec(value) : null
  if (!match) return undefined
  const [, kind, name = '', , key = ''] = match
  return { kind: kind === 'secret' ? 'Secret' : 'ConfigMap', name, key }
}

interface SecretUse {
  readonly secret: string
  /** The variable that reads the Secret, unless the field itself names it. */
  readonly variable?: string
}

const variables = (values: unknown): readonly SecretUse[] =>
  Object.entries(values ?? {}).flatMap(([variable, value]) => {
    const { kind, name } = referredIn(value) ?? {}
    return kind === 'Secret' && name ? [{ secret: name, variable }] : []
  })

/** The same for the fields of spec.pod. */
const podSecrets = {
  volumes: ({ volumes = [] }: PodFields): readonly SecretUse[] =>
    volumes.flatMap(({ secret }) => (secret ? [{ secret: secret.secretName }] : [])),
  'container.envFrom': ({ container }: PodFields): readonly SecretUse[] =>
    (container?.envFrom ?? []).flatMap(({ secretRef }) =>
      secretRef ? [{ secret: secretRef.name }] : [],
    ),
}

/**
 * The Secrets that each field names and whose contents reach a container of the user, or a host that
 * the user chooses. imagePullSecrets is not listed: the kubelet sends those only to their registry, and
 * never exposes them to a container.
 */
export const secretFields: Readonly<Record<string, (spec: AnySpec) => readonly SecretUse[]>> = {
  'spec.env': ({ env }) => variables(env),
  // A parameter becomes a variable too, and can be read from a Secret in the same way.
  'spec.params': ({ params }) => variables(params),
  'spec.build.git.secretName': ({ build }) =>
    build?.git?.secretName ? [{ secret: build.git.secretName }] : [],
  'spec.pod.volumes': ({ pod }) => podSecrets.volumes(pod ?? {}),
  'spec.pod.container.envFrom': ({ pod }) => podSecrets['container.envFrom'](pod ?? {}),
}

/**
 * The Secrets of the administrator's configuration, by the option that names each. They must be in
 * the namespace, because the tools and the kubelet read them there. A user with no right except to
 * create our kinds cannot read them in any other way.
 */
const toolSecrets = ({
  registry,
  storage,
  builder,
}: Config): Readonly<Record<string, string | undefined>> => ({
  'registry.pushSecretName': registry.pushSecretName,
  'registry.pullSecretName': registry.pullSecretName,
  'storage.s3.secretName': usesS3(storage) ? storage.s3.secretName : undefined,
  ...Object.fromEntries(
    variables(builder.env).map(({ secret, variable }) => [`builder.env.${variable}`, secret]),
  ),
})

/** Results in a former bucket are read with the same Secret as those in the current one. */
const usesS3 = ({ driver, former }: Config['storage']): boolean =>
  driver === 's3' || former.some((root) => root.startsWith('s3://'))

/** Why a field may not name its Secrets; undefined if it may. */
function forbiddenSecrets(uses: readonly SecretUse[], config: Config): string | undefined {
  if (!uses.length) return undefined
  const options = Object.entries(toolSecrets(config))
  const forbidden = uses.filter(({ secret }) => options.some(([, name]) => name === secret))
  if (!forbidden.length) return undefined
  const secrets = [...new Set(forbidden.map(({ secret }) => secret))]
  const readers = forbidden.flatMap(({ variable }) => variable ?? [])
  const named = options.flatMap(([option, name]) => (name && secrets.includes(name) ? option : []))
  return `Forbidden: ${readers.length ? `${quoted(readers)} would read ` : ''}Secret${secrets.length > 1 ? 's' : ''} ${quoted(secrets)}, which only the tools of this cluster use (${named.join(', ')}): name a Secret of your own`
}

/** No field may name a Secret of the administrator. */
export const secretRules: readonly Rule[] = Object.entries(secretFields).map(([field, usesIn]) => ({
  field,
  broken: ({ spec, config }) => forbiddenSecrets(usesIn(spec), config) !== undefined,
  message: ({ spec, config }) => forbiddenSecrets(usesIn(spec), config) ?? '',
}))

/** Why a field of the configuration's `pods` may not name its Secrets; undefined if it may. */
export const podSecretFault = (
  field: keyof typeof podSecrets,
  pod: PodFields,
  config: Config,
): string | undefined => forbiddenSecrets(podSecrets[field](pod), config)
