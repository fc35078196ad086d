import { mayReplace, presetsInWords } from '../../crds/config/presets.ts'
import { type AnySpec, type Rule, type RuleInput, specOf } from '../../crds/rule.ts'

/** Warns about a ModelServer that requests no GPU although its preset needs one. */
export const gpulessRules: readonly Rule[] = [
  {
    field: 'spec.resources.gpu',
    reads: ['spec.runtime', 'spec.resources.gpu'],
    warns: () => true,
    broken: ({ spec, config }) =>
      spec.runtime !== undefined && lacksGpu(spec, config, spec.runtime),
    message: (input) => messageFor(input, input.spec.runtime ?? ''),
  },
  {
    field: 'spec.resources.gpu',
    reads: ['spec.model', 'spec.image', 'spec.build', 'spec.runtime', 'spec.resources.gpu'],
    // An import has no program, so the default preset serves it.
    needs: {
      references: 'all',
      to: 'Model',
      when: ({ object }) => object.kind === 'ModelServer' && mayUseDefault(specOf(object)),
    },
    warns: () => true,
    broken: ({ spec, config, read }) => {
      const model = read('Model', spec.model?.name ?? '')
      return (
        Boolean(model && specOf(model).source) && lacksGpu(spec, config, config.servers.default)
      )
    },
    message: (input) => messageFor(input, input.config.servers.default),
  },
]

const hasGpu = ({ resources }: AnySpec): boolean => {
  const { type, count = type ? 1 : 0 } = resources?.gpu ?? {}
  return count > 0
}

const mayUseDefault = (spec: AnySpec): boolean =>
  !spec.image && !spec.build && !spec.runtime && !hasGpu(spec)

const lacksGpu = (spec: AnySpec, { servers }: RuleInput['config'], preset: string): boolean =>
  Object.hasOwn(servers.presets, preset) &&
  servers.presets[preset]?.needsGpu === true &&
  !hasGpu(spec)

function messageFor({ config: { servers } }: RuleInput, name: string): string {
  const preset = servers.presets[name]
  const others = Object.entries(servers.presets).filter(
    ([, other]) => !other.needsGpu && preset && mayReplace(other, preset),
  )
  const alternative = others.length
    ? `, or a runtime that needs none: ${presetsInWords(Object.fromEntries(others))}`
    : ''
  return `preset "${name}" needs a GPU and none is requested: set gpu: {count: 1}${alternative}`
}
