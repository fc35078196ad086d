import type { Config } from '../../crds/config.ts'
import { isReserved } from '../../crds/labels.ts'
import { alike } from '../../crds/names.ts'
import type { Container, PodTemplate, Workload } from '../children/manifesttypes.ts'
import { containersIn } from '../observe/observed.ts'
import { appliedTemplate } from '../observe/workload.ts'

/**
 * Another version of this software uses other images for its own tools, the idle watch and the loader.
 * That alone must not replace a Pod that answers requests: the new images are rolled out with the next
 * change of anything else. So are labels that an earlier version passed on and this one does not.
 */
export function withToolsAsApplied(
  wanted: Workload,
  workload: Workload | undefined,
  config: Config,
): Workload {
  const template = wanted.spec?.template
  // First compare the observed template: parsing the applied one takes a third of such an answer's time.
  const there = workload?.spec?.template
  const reserved = reservedIn(there?.metadata?.labels, template?.metadata.labels)
  if (!workload || !template || !(reserved || hasOtherTools(template, there, config))) return wanted

  const applied = appliedTemplate(workload)
  const isSame = applied && alike(settled(template, applied, reserved, config), applied)
  return isSame ? { ...wanted, spec: { ...wanted.spec, template: applied } } : wanted
}

const isTool = ({ image }: Container, { images }: Config): boolean =>
  image === images.idle || image === images.loader

const hasOtherTools = (
  template: PodTemplate,
  there: PodTemplate | undefined,
  config: Config,
): boolean =>
  containersIn(template)
    .filter((container) => isTool(container, config))
    .some(
      ({ name, image }) => containersIn(there).find((one) => one.name === name)?.image !== image,
    )

/** The template with the images and labels that were applied. */
function settled(
  template: PodTemplate,
  applied: PodTemplate,
  reserved: Readonly<Record<string, string>> | undefined,
  config: Config,
) {
  const { metadata, spec } = template
  const asApplied = (list: readonly Container[], before: readonly Container[] = []) =>
    list.map((container) => {
      const same = before.find(({ name }) => name === container.name)
      return isTool(container, config) && same ? { ...container, image: same.image } : container
    })
  return {
    ...template,
    ...(reserved && { metadata: { ...metadata, labels: { ...reserved, ...metadata.labels } } }),
    spec: {
      ...spec,
      ...(spec.initContainers && {
        initContainers: asApplied(spec.initContainers, applied.spec?.initContainers),
      }),
      containers: asApplied(spec.containers, applied.spec?.containers),
    },
  }
}

/** Labels that an earlier version passed on to the Pods and this one does not; undefined if none. */
function reservedIn(
  before: Readonly<Record<string, string>> = {},
  now: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(before).filter(
    ([label]) => !Object.hasOwn(now, label) && isReserved(label),
  )
  return entries.length ? Object.fromEntries(entries) : undefined
}
