import { claimName } from '../../crds/names.ts'
import type { NotebookSpec } from '../../crds/notebook.ts'
import type { Facts } from '../engine/read.ts'
import type { Records } from '../observe/memory.ts'
import { ownImage } from '../observe/spec.ts'
import { type CommandLine, filled, type Preset, remaining } from './commandline.ts'
import { idleWatch } from './idlewatch.ts'
import { resultMount } from './mounts.ts'
import { placeholdersOf } from './placeholders.ts'
import { container, contentMounts, gpuPodBase, podMetadata } from './template.ts'
import { joined, type Mounts } from './volumes.ts'

type NotebookFacts = Facts<NotebookSpec>

export const notebookPort = 8888

/** Without build and image, the administrator's image; undefined until a build is done. */
export const notebookImage = (
  { parent, config }: NotebookFacts,
  records: Records,
): string | undefined =>
  ownImage(parent.spec, records) ?? (parent.spec.build ? undefined : config.images.notebook)

const homeDir = '/content/home'
const rootFlag = '--ServerApp.root_dir=/content'
const preferredFlag = `--ServerApp.preferred_dir=${homeDir}`

/**
 * Jupyter generates a token at each start, so that no API object contains it. Its root is /content,
 * which shows the model and the data. The container runtime creates that folder for root, and it is
 * lost when the Pod goes, so Jupyter opens in the home, where every user can write.
 */
const jupyter: Preset = {
  command: ['jupyter', 'lab'],
  args: ['--no-browser', '--allow-root', '--ip=0.0.0.0', '--port={port}', rootFlag, preferredFlag],
  // Jupyter does not start if a setting such as ip has two values, under one name or two.
  aliases: [
    ['--no-browser', '--ServerApp.open_browser'],
    ['--allow-root', '--ServerApp.allow_root'],
    ['--ip', '--ServerApp.ip'],
    ['--port', '--ServerApp.port'],
    ['--notebook-dir', '--ServerApp.root_dir'],
    ['--ServerApp.preferred_dir', '--FileContentsManager.preferred_dir'],
  ],
}

/** Jupyter's own flags are in the command, so that a notebook without args has none in its Pod either. */
function programOf(spec: NotebookSpec): CommandLine {
  if (spec.command?.length) return spec
  const flags = remaining(jupyter, spec.args)
  // Jupyter does not start if the folder that it opens is outside its root.
  const own = flags.includes(rootFlag) ? flags : flags.filter((flag) => flag !== preferredFlag)
  return { command: [...(jupyter.command ?? []), ...own], args: spec.args }
}

const runtimeDir = '/run/jupyter'

export function notebookPod(facts: NotebookFacts, records: Records) {
  const { parent, references, config } = facts
  const { spec } = parent
  const mounts = joined(
    resultMount('model', references.model, config),
    resultMount('data', references.data, config),
    home(facts),
    runtime,
  )
  return {
    metadata: podMetadata(parent, config, 'serve', 'notebook'),
    spec: {
      ...gpuPodBase(parent, config),
      ...(mounts.before.length && { initContainers: mounts.before }),
      containers: [
        container(parent, config, {
          name: 'notebook',
          image: notebookImage(facts, records),
          ...filled(programOf(spec), placeholdersOf(spec, notebookPort, config)),
          env: { HOME: homeDir, JUPYTER_RUNTIME_DIR: runtimeDir },
          mounts,
          more: {
            workingDir: '/content',
            ports: [{ name: 'http', containerPort: notebookPort, protocol: 'TCP' }],
            readinessProbe: {
              ...(spec.command?.length
                ? { tcpSocket: { port: 'http' } }
                : { httpGet: { path: '/api', port: 'http' } }),
              periodSeconds: 5,
              timeoutSeconds: 5,
            },
          },
        }),
        ...(spec.idleTimeout ? [watchOf(facts)] : []),
      ],
      volumes: contentMounts(parent, config, mounts).volumes,
    },
  }
}

const home = ({ parent }: NotebookFacts): Mounts => ({
  volumes: [{ name: 'home', persistentVolumeClaim: { claimName: claimName(parent) } }],
  volumeMounts: [{ name: 'home', mountPath: homeDir }],
  before: [],
})

/** Where Jupyter writes its token; it is deleted with the Pod. */
const runtime: Mounts = {
  volumes: [{ name: 'runtime', emptyDir: {} }],
  volumeMounts: [{ name: 'runtime', mountPath: runtimeDir }],
  before: [],
}

/**
 * Asks Jupyter on localhost how long it has been idle, and ends with the message `idle`. With a
 * command of the user's own, which may start something else, it also watches the port. Jupyter's token
 * is readable only by its own user.
 */
const watchOf = ({ parent, config }: NotebookFacts) =>
  idleWatch(
    parent,
    config,
    [
      `--url=http://127.0.0.1:${notebookPort}`,
      ...(parent.spec.command?.length ? [`--port=${notebookPort}`] : []),
    ],
    { name: 'runtime', mountPath: runtimeDir, readOnly: true },
  )
