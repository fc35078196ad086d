import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import {
  clusterDomain,
  imageNamed,
  nodeAddress,
  podBridge,
  podRange,
  registryHost,
} from './addresses.ts'
import { cgroupName } from './cgroups.ts'

/** The files that containerd, the CNI plugins, the kubelet and kube-proxy read. */

interface Settings {
  /** The node's folder. */
  readonly folder: string
  readonly runc: string
  readonly clientCa: string
  readonly serving: { readonly cert: string; readonly key: string }
  readonly proxyKubeconfig: string
  readonly ports: { readonly proxyHealth: number; readonly proxyMetrics: number }
}

export const socketOf = (folder: string): string => join(folder, 'containerd.sock')

export function writeSettings(settings: Settings) {
  const { folder } = settings
  const write = (name: string, text: string) => {
    const path = join(folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    return path
  }
  write('cni/10-pods.conflist', JSON.stringify(cni(folder), null, 1))
  write(`certs/${registryHost}/hosts.toml`, hosts)
  return {
    containerd: write('containerd.toml', containerd(settings)),
    kubelet: write('kubelet.yaml', stringify(kubelet(settings))),
    proxy: write('proxy.yaml', stringify(proxy(settings))),
  }
}

const cni = (folder: string) => ({
  cniVersion: '1.0.0',
  name: 'substratus-pods',
  plugins: [
    {
      type: 'bridge',
      bridge: podBridge,
      isGateway: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        dataDir: join(folder, 'ipam'),
        ranges: [[{ subnet: podRange }]],
        routes: [{ dst: '0.0.0.0/0' }],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
})

const hosts = `server = "http://${registryHost}"
[host."http://${registryHost}"]
  capabilities = ["pull", "resolve"]
`

const containerd = ({ folder, runc }: Settings) => `version = 3
root = "${join(folder, 'containerd')}"
state = "${join(folder, 'state')}"
[grpc]
  address = "${socketOf(folder)}"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${imageNamed('pause:1')}"
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "${join(folder, 'certs')}"
[plugins."io.containerd.cri.v1.runtime"]
  # In a container, root may lack CAP_SYS_RESOURCE, which lowering an OOM score requires.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni", "/opt/cni/bin"]
    conf_dir = "${join(folder, 'cni')}"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      BinaryName = "${runc}"
`

const kubelet = ({ folder, clientCa, serving }: Settings) => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: nodeAddress,
  containerRuntimeEndpoint: `unix://${socketOf(folder)}`,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: clientCa },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: serving.cert,
  tlsPrivateKeyFile: serving.key,
  clusterDNS: [nodeAddress],
  clusterDomain,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${cgroupName}`,
  failCgroupV1: false,
  failSwapOn: false,
  localStorageCapacityIsolation: false,
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '2%',
    'imagefs.available': '2%',
  },
  healthzPort: 0,
  podLogsDir: join(folder, 'logs'),
  // Pods notice a new Secret or claim within 10 s, not after a minute.
  syncFrequency: '10s',
  serializeImagePulls: false,
  registerNode: true,
})

const proxy = ({ proxyKubeconfig, ports }: Settings) => ({
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'iptables',
  clusterCIDR: '10.244.0.0/16',
  bindAddress: nodeAddress,
  healthzBindAddress: `127.0.0.1:${ports.proxyHealth}`,
  metricsBindAddress: `127.0.0.1:${ports.proxyMetrics}`,
  clientConnection: { kubeconfig: proxyKubeconfig },
  conntrack: { maxPerCore: 0, min: 0 },
})
