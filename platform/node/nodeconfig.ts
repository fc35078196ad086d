import type { ConfigFile } from '../../crds/config.ts'
import { imageNamed, registryHost } from './addresses.ts'
import { toolTag } from './images.ts'

/** The administrator's configuration for a real node on a small machine. */
export const nodeConfig: ConfigFile = {
  registry: { prefix: `${registryHost}/substratus`, insecure: true },
  images: { prefix: imageNamed('tools'), tag: toolTag },
  git: { allowHttp: true },
  // Its kubelet does not count the space: it cannot find the disk of this machine in every sandbox.
  ephemeralStorage: 'Ignore',
  builder: { cpu: '100m', memory: '128Mi' },
  resources: {
    Dataset: { cpu: '50m', memory: '64Mi', disk: 1 },
    Model: { cpu: '50m', memory: '64Mi', disk: 1 },
    ModelServer: { cpu: '50m', memory: '64Mi' },
    Notebook: { cpu: '50m', memory: '64Mi', disk: 1 },
  },
}
