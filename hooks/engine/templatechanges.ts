import { alike } from '../../crds/names.ts'
import type { Container, PodSpec, PodTemplate } from '../children/manifesttypes.ts'
import { containersIn } from '../observe/observed.ts'

/**
 * What a new Pod template would change, in the order of the manifest: `image vllm-openai v0.8 → v0.9`,
 * `args`, `nodeSelector`. Values of variables are not shown. Labels do not count: they come from the
 * object and reach the Pods with whatever template comes next.
 */
export function changesBetween(applied: PodTemplate, wanted: PodTemplate): readonly string[] {
  return [
    ...containerChanges(containersIn(applied), containersIn(wanted)),
    ...differing(besideContainers(applied.spec), besideContainers(wanted.spec)),
    ...differing(applied.metadata.annotations, wanted.metadata.annotations),
  ]
}

const besideContainers = ({ initContainers: _, containers: __, ...others }: PodSpec) => others

type Fields = Readonly<Record<string, unknown>>

/** The names of the fields that differ. */
const differing = (before: Fields = {}, now: Fields = {}): readonly string[] =>
  [...new Set([...Object.keys(now), ...Object.keys(before)])].filter(
    (name) => !alike(before[name], now[name]),
  )

function containerChanges(
  applied: readonly Container[],
  wanted: readonly Container[],
): readonly string[] {
  const main = wanted.findLast(({ name }) => name !== 'idle')?.name
  const changes = wanted.flatMap((container) => {
    const before = applied.find(({ name }) => name === container.name)
    if (!before) return [`new container "${container.name}"`]
    const of = container.name === main ? '' : ` of container "${container.name}"`
    return fieldChanges(before, container).map((change) => `${change}${of}`)
  })
  const gone = applied.filter(({ name }) => !wanted.some((container) => container.name === name))
  return [...changes, ...gone.map(({ name }) => `no container "${name}"`)]
}

const fieldChanges = (before: Container, now: Container): readonly string[] =>
  differing({ ...before }, { ...now }).flatMap((field) => {
    switch (field) {
      case 'image':
        return [imageChange(before.image, now.image)]
      case 'env':
        return variables(before, now)
      case 'resources':
        return resourceChanges(before.resources, now.resources)
      default:
        return [field]
    }
  })

/** The last part of the repository is enough if only the tag or the digest differs. */
function imageChange(before = 'none', now = 'none'): string {
  const [repository, version] = parted(now)
  const [former, older] = parted(before)
  return version !== undefined && older !== undefined && repository === former
    ? `image ${repository.split('/').at(-1)} ${older} → ${version}`
    : `image ${before} → ${now}`
}

/**
 * The repository of an image, and its tag or digest. Anyone who may edit the Deployment can set an image
 * name of any length, on which a backtracking expression would take minutes.
 */
function parted(image: string): readonly [repository: string, version?: string] {
  const last = image.lastIndexOf('/') + 1
  const mark = image.slice(last).search(/[:@]/)
  return mark < 0 ? [image] : [image.slice(0, last + mark), image.slice(last + mark + 1)]
}

const variables = (before: Container, now: Container): readonly string[] => {
  const byName = ({ env = [] }: Container) =>
    Object.fromEntries(env.map((variable) => [variable.name, variable]))
  const names = differing(byName(before), byName(now))
  return names.length ? names.map((name) => `env ${name}`) : ['env']
}

/** `requests memory 10Gi → 12Gi`. */
const resourceChanges = (before: object = {}, now: object = {}): readonly string[] =>
  differing({ ...before }, { ...now }).flatMap((part) => {
    if (part === 'claims') return [part]
    const [older, newer] = [before, now].map(
      (of): Fields => (of as Readonly<Record<string, Fields>>)[part] ?? {},
    )
    return differing(older, newer).map(
      (name) => `${part} ${name} ${older?.[name] ?? 'none'} → ${newer?.[name] ?? 'none'}`,
    )
  })
