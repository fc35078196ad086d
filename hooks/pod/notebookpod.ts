import { claimName } from '../../crds/names.ts'
import type { NotebookSpec } from '../../crds/notebook.ts'
import type { Facts } from '../engine/read.ts'
import type { Records } from '../observe/memory.ts'
import { ownImage } from '../observe/spec.ts'
import { type CommandLine, filled, type Preset, remaining } from './commandline.ts'
import { resultMount } from './mounts.ts'
import { placeholdersOf } from './placeholders.ts'
import { toolResources } from './resources.ts'
import { containerSecurity } from './security.ts'
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

/** Jupyter generates a token at each start, so that no API object contains it. */
const jupyter: Preset = {
  command: ['jupyter', 'lab'],
  args: [
    '--no-browser',
    '--allow-root',
    '--ip=0.0.0.0',
    '--port={port}',
    '--ServerApp.root_dir=/content',
  ],
  // Jupyter does not start if a setting such as ip has two values, under one name or two.
  aliases: [
    ['--no-browser', '--ServerApp.open_browser'],
    ['--allow-root', '--ServerApp.allow_root'],
    ['--ip', '--ServerApp.ip'],
    ['--port', '--ServerApp.port'],
    ['--notebook-dir', '--ServerApp.root_dir'],
  ],
}

/** Jupyter's own flags are in the command, so that a notebook without args has none in its Pod either. */
const programOf = (spec: NotebookSpec): CommandLine =>
  spec.command?.length
    ? spec
    : { command: [...(jupyter.command ?? []), ...remaining(jupyter, spec.args)], args: spec.args }

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
          env: { HOME: '/content/home', JUPYTER_RUNTIME_DIR: runtimeDir },
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
        ...(spec.idleTimeout ? [idleWatch(spec.idleTimeout, config)] : []),
      ],
      volumes: contentMounts(parent, config, mounts).volumes,
    },
  }
}

const home = ({ parent }: NotebookFacts): Mounts => ({
  volumes: [{ name: 'home', persistentVolumeClaim: { claimName: claimName(parent) } }],
  volumeMounts: [{ name: 'home', mountPath: '/content/home' }],
  before: [],
})

/** Where Jupyter writes its token; it is deleted with the Pod. */
const runtime: Mounts = {
  volumes: [{ name: 'runtime', emptyDir: {} }],
  volumeMounts: [{ name: 'runtime', mountPath: runtimeDir }],
  before: [],
}

/** Asks Jupyter on localhost how long it has been idle, and ends with the message `idle`. */
const idleWatch = (timeout: string, config: NotebookFacts['config']) => ({
  name: 'idle',
  image: config.images.idle,
  args: ['idle', `--timeout=${timeout}`, `--url=http://127.0.0.1:${notebookPort}`],
  resources: toolResources,
  volumeMounts: [{ name: 'runtime', mountPath: runtimeDir, readOnly: true }],
  ...containerSecurity(config),
})
