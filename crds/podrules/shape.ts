import { labelName } from '../podaffinity.ts'
import { isObject } from '../schema/json.ts'
import { firstOf, type PodInput, type PodRule, twiceIn } from './podrule.ts'

/** What the API server would refuse in a Pod: the Job or the Deployment would never be created. */

/** Whether a path has `..` or `.` in it. */
const hasDots = (path: string): boolean =>
  path.split('/').some((step) => step === '..' || step === '.')

const isLabel = new RegExp(labelName)

/** The fault of the first selector anywhere in a value. */
function selectorFault(value: unknown): string | undefined {
  if (Array.isArray(value)) return firstOf(value, selectorFault)
  if (!isObject(value)) return undefined
  const wrong = isObject(value.matchLabels)
    ? Object.keys(value.matchLabels).find((name) => !isLabel.test(name))
    : undefined
  if (wrong !== undefined) return `Invalid value: "${wrong.slice(0, 100)}" is not a valid label key`
  return requirementFault(value) ?? keysFault(value) ?? firstOf(Object.values(value), selectorFault)
}

function keysFault(value: Readonly<Record<string, unknown>>): string | undefined {
  if (value.labelSelector) return undefined
  const keys = ['matchLabelKeys', 'mismatchLabelKeys'].find((field) => isFilled(value[field]))
  return keys && `Required value: ${keys} needs a labelSelector`
}

const isFilled = (list: unknown): boolean => Array.isArray(list) && list.length > 0

/** How many values an operator takes. */
const operators: Readonly<
  Record<string, readonly [takes: string, fits: (values: number) => boolean]>
> = {
  In: ['values', (values) => values > 0],
  NotIn: ['values', (values) => values > 0],
  Exists: ['no values', (values) => values === 0],
  DoesNotExist: ['no values', (values) => values === 0],
  Gt: ['one integer', (values) => values === 1],
  Lt: ['one integer', (values) => values === 1],
}

function requirementFault({ key, operator, values }: Readonly<Record<string, unknown>>) {
  const [takes, fits] = (typeof operator === 'string' && operators[operator]) || []
  if (!takes || !fits) return undefined
  const given = Array.isArray(values) ? values : []
  const isNumber = takes !== 'one integer' || given.every((value) => /^-?[0-9]+$/.test(value))
  return fits(given.length) && isNumber
    ? undefined
    : `Invalid value: "${key}": the operator ${operator} takes ${takes}`
}

/** A container that ends by itself is an init container, which has no probes. */
const probeFault =
  (probe: 'startupProbe' | 'livenessProbe') =>
  ({ own, of }: PodInput): string | undefined => {
    const given = own.container?.[probe]
    if (!given) return undefined
    if (of === 'Model' || of === 'Dataset')
      return `Forbidden: the container of a ${of} ends by itself: only a ModelServer and a Notebook have probes`
    const { httpGet, tcpSocket } = given
    return (
      portFault((httpGet ?? tcpSocket)?.port) ??
      // Metacontroller treats two of the same name as one.
      twiceIn(httpGet?.httpHeaders, ({ name }) => name)
    )
  }

/** A port's name needs a letter: the string "8080" is neither a name nor a number. */
const portFault = (port: number | string | undefined): string | undefined =>
  typeof port === 'string' && (!/[a-z]/.test(port) || port.includes('--'))
    ? `Invalid value: "${port}" must be an integer, or a name with a letter and no "--"`
    : undefined

export const shapeRules: readonly PodRule[] = [
  {
    field: 'tolerations',
    fault: ({ own: { tolerations } }) =>
      firstOf(
        tolerations,
        ({ key, operator = 'Equal', value, effect, tolerationSeconds }, index) => {
          if (key === undefined && operator !== 'Exists')
            return `Invalid value: [${index}]: without a key, the operator must be Exists`
          if (key !== undefined && !isLabel.test(key))
            return `Invalid value: "${key}" is not a valid taint key`
          if (operator === 'Exists' && value !== undefined)
            return `Invalid value: "${value}": the operator Exists takes no value`
          return tolerationSeconds !== undefined && effect !== 'NoExecute'
            ? `Invalid value: ${tolerationSeconds}: tolerationSeconds needs the effect NoExecute`
            : undefined
        },
      ),
  },
  { field: 'affinity', fault: ({ own: { affinity } }) => selectorFault(affinity) },
  {
    field: 'topologySpreadConstraints',
    fault: ({ own: { topologySpreadConstraints: list } }) =>
      selectorFault(list) ??
      twiceIn(
        list,
        ({ topologyKey, whenUnsatisfiable }) => `${topologyKey} ${whenUnsatisfiable}`,
      ) ??
      firstOf(list, ({ minDomains, whenUnsatisfiable }) =>
        minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule'
          ? `Invalid value: ${minDomains}: minDomains needs whenUnsatisfiable: DoNotSchedule`
          : undefined,
      ),
  },
  {
    field: 'terminationGracePeriodSeconds',
    fault: ({ own: { terminationGracePeriodSeconds: seconds }, of }) =>
      of === 'ModelServer' && seconds !== undefined && seconds < 10
        ? `Invalid value: ${seconds}: must be at least 10, because a server still gets requests for 5 s after it is told to stop`
        : undefined,
  },
  {
    field: 'volumes',
    fault: ({ own: { volumes } }) =>
      twiceIn(volumes, ({ name }) => name) ??
      firstOf(volumes, ({ configMap, secret }) => {
        const items = (configMap ?? secret)?.items
        const leaving = items?.find(({ path }) => hasDots(path))
        // Metacontroller treats items of one path as one, and would change the template of a Job for ever.
        return leaving
          ? `Invalid value: "${leaving.path}" leaves the volume`
          : twiceIn(items, ({ path }) => path)
      }),
  },
  {
    field: 'volumes',
    fault: ({ own: { volumes } }) =>
      firstOf(volumes, ({ name, ephemeral }) => {
        const modes = ephemeral?.volumeClaimTemplate.spec.accessModes ?? []
        return modes.includes('ReadWriteOncePod') && modes.length > 1
          ? `Invalid value: "${name}": ReadWriteOncePod cannot be combined with other access modes`
          : undefined
      }),
  },
  {
    field: 'volumes',
    fault: ({ own: { volumes }, config }) =>
      firstOf(volumes, ({ name, image }) =>
        image && config.imageVolumes === 'Disabled'
          ? `Forbidden: "${name}": this cluster does not mount images (imageVolumes); that needs Kubernetes 1.35`
          : undefined,
      ),
  },
  {
    field: 'container.volumeMounts',
    reads: ['spec.pod.volumes'],
    fault: ({ own: { volumes = [], container } }) =>
      twiceIn(container?.volumeMounts, ({ mountPath }) => mountPath) ??
      firstOf(container?.volumeMounts, ({ name, mountPath, subPath }) => {
        if (!volumes.some((volume) => volume.name === name))
          return `Not found: "${name}": no volume in spec.pod or the configuration has this name`
        const wrong = [mountPath, subPath ?? ''].find(hasDots)
        return wrong && `Invalid value: "${wrong}" must have no "." or ".." in it`
      }),
  },
  {
    field: 'container.ports',
    fault: ({ pod: { container } }) =>
      twiceIn(container?.ports, ({ containerPort }) => String(containerPort)) ??
      twiceIn(container?.ports, ({ name }) => name) ??
      firstOf(container?.ports, ({ name }) =>
        name !== undefined && (!/[a-z]/.test(name) || name.includes('--'))
          ? `Invalid value: "${name}" must have a letter, and no "--"`
          : undefined,
      ),
  },
  { field: 'container.startupProbe', fault: probeFault('startupProbe') },
  { field: 'container.livenessProbe', fault: probeFault('livenessProbe') },
]
