/** The addresses of the real node. They are fixed, because only one runs per machine. */

/** The node's own address, on a bridge: the kubelet refuses loopback, and not every kernel has dummy devices. */
export const nodeAddress = '10.245.0.1'
export const nodeName = 'real'

/** The suffix of the names of Services. */
export const clusterDomain = 'cluster.local'

export const nodeBridge = 'substratus0'
export const podBridge = 'substratus1'
export const podRange = '10.244.0.0/24'
export const serviceRange = '10.96.0.0/16'

export const registryHost = `${nodeAddress}:5001`
export const gitUrl = `http://${nodeAddress}:5002`
export const gitHttpsUrl = `https://${nodeAddress}:5004`
export const gitSshUrl = `ssh://root@${nodeAddress}:5005`
export const s3Url = `http://${nodeAddress}:5003`
export const s3Key = { id: 'substratus', secret: 'not-a-secret-on-one-machine' } as const

export const portOf = (url: string): number => Number(new URL(url).port)

export const dnsPort = 53

/** Every port in use at the node's address: those above, DNS, and the kubelet. */
export const nodePorts: readonly number[] = [
  dnsPort,
  ...[`http://${registryHost}`, gitUrl, s3Url, gitHttpsUrl, gitSshUrl].map(portOf),
  10250,
]

export const imageNamed = (name: string): string => `${registryHost}/${name}`
