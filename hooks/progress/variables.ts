import type { Container, EnvVar, PodTemplate } from '../children/manifesttypes.ts'

/** The environment variables that tell a program where to report. */

const ours = 'SUBSTRATUS_PROGRESS_URL'

/**
 * What the runtimes of Kubeflow Trainer look for, among them the callback of Hugging Face's transformers. They
 * require a file with a token of their own. Our token is in the address, so any short file will do that every
 * container has and that is no secret: the kubelet writes the name of the Pod into this one.
 */
const trainer = { url: 'KUBEFLOW_TRAINER_SERVER_URL', token: 'KUBEFLOW_TRAINER_SERVER_TOKEN' }
const anyFile = '/etc/hostname'

const names: ReadonlySet<string> = new Set([ours, ...Object.values(trainer)])

interface Program {
  readonly name: string
  readonly isUsers?: true
}

/** Tells the program of a stage, its container of the same name, where to report; spec.env wins. */
export function withReporting(
  template: PodTemplate,
  { name, isUsers }: Program,
  address: string | undefined,
): PodTemplate {
  if (!address) return template
  const variables: readonly EnvVar[] = [
    ...(isUsers
      ? [
          { name: trainer.token, value: anyFile },
          { name: trainer.url, value: address },
        ]
      : []),
    { name: ours, value: address },
  ]
  return withContainers(template, (container) =>
    container.name === name ? { ...container, env: besides(variables, container.env) } : container,
  )
}

/** First, so that spec.env can refer to them as $(SUBSTRATUS_PROGRESS_URL). */
const besides = (variables: readonly EnvVar[], env: readonly EnvVar[] = []): readonly EnvVar[] => [
  ...variables.filter(({ name }) => !env.some((own) => own.name === name)),
  ...env,
]

/** The template without these variables, whatever their values. */
export const withoutReporting = (template: PodTemplate): PodTemplate =>
  withContainers(template, ({ env, ...container }) => {
    const others = env?.filter(({ name }) => !names.has(name)) ?? []
    return { ...container, ...(others.length && { env: others }) }
  })

function withContainers(
  template: PodTemplate,
  change: (container: Container) => Container,
): PodTemplate {
  const { spec } = template
  const { initContainers, containers } = spec
  return {
    ...template,
    spec: {
      ...spec,
      ...(initContainers && { initContainers: initContainers.map(change) }),
      containers: containers.map(change),
    },
  }
}
