import { canMount, selectionOf } from '../../crds/imagevolumes.ts'
import { mergedPods } from '../../crds/podmerge.ts'
import { quoted } from '../../crds/quoted.ts'
import type { Rule, RuleInput } from '../../crds/rule.ts'

/**
 * Warns about a user's own image volumes that some of the nodes cannot mount. Such a Pod may still be
 * scheduled to another node, by its affinity for instance, so it is not refused.
 */
export const imageVolumeRules: readonly Rule[] = [
  {
    field: 'spec.pod.volumes',
    reads: ['spec.pod', 'spec.resources'],
    warns: () => true,
    broken: (input) =>
      input.config.imageVolumes !== 'Disabled' &&
      imagesIn(input).length > 0 &&
      canMount(input.nodes, selectionOf(input.object, input.config)) === false,
    message: (input) =>
      `${quoted(imagesIn(input))}: some nodes that the Pods may run on cannot mount images (containerd 2.1, CRI-O 1.31 and newer can), and the Pods never start there: select others with spec.pod.nodeSelector`,
  },
]

const imagesIn = ({ object, spec, config }: RuleInput): readonly string[] =>
  (mergedPods(config.pods[object.kind], spec.pod).volumes ?? [])
    .filter(({ image }) => image)
    .map(({ name }) => name)
