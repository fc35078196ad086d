/** The Kubernetes that `up` runs; everything else follows from it. */
export const kubernetesVersion = '1.36.3'

export type ToolName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kwok'

/** Where a release lies: a binary as it is, or inside an archive. */
export interface Release {
  readonly url: string
  /** The path inside a .tar.gz. */
  readonly member?: string
  /** Where the official site says the sha256 of the url's file. */
  readonly checksum: { readonly url: string; readonly form: 'sha256' | 'sums' | 'github' }
}

export interface Tool {
  readonly name: ToolName
  readonly versionArgs: readonly string[]
  /** What is wrong with the version that the binary reports, if anything. */
  readonly unfit: (output: string) => string | undefined
  readonly release: (os: string, arch: string) => Release | undefined
  readonly go: { readonly module: string; readonly version: string; readonly package: string }
}

const minorOf = (text: string): number | undefined => {
  const found = /v1\.(\d+)\.\d+/.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

const wantedMinor = Number(kubernetesVersion.split('.')[1])

const kubernetes = (name: ToolName, versionArgs: readonly string[], skew: number): Tool => ({
  name,
  versionArgs,
  unfit: (output) => {
    const minor = minorOf(output)
    if (minor === undefined) return 'it does not say its version'
    return Math.abs(minor - wantedMinor) <= skew
      ? undefined
      : `it is version 1.${minor}, not 1.${wantedMinor}${skew ? ` (within ${skew})` : ''}`
  },
  // Only kubectl is released for other systems than Linux.
  release: (os, arch) => {
    if (os !== 'linux' && name !== 'kubectl') return undefined
    const url = `https://dl.k8s.io/v${kubernetesVersion}/bin/${os}/${arch}/${name}`
    return { url, checksum: { url: `${url}.sha256`, form: 'sha256' } }
  },
  go: {
    module: 'k8s.io/kubernetes',
    version: `v${kubernetesVersion}`,
    package: `k8s.io/kubernetes/cmd/${name}`,
  },
})

const version = (output: string, expected: RegExp, wanted: string): string | undefined => {
  const found = /v?(\d+\.\d+\.\d+\S*)/.exec(output)?.[1]
  if (!found) return 'it does not say its version'
  return expected.test(found) ? undefined : `it is version ${found}, not ${wanted}`
}

const etcdVersion = '3.6.8'
const etcd: Tool = {
  name: 'etcd',
  versionArgs: ['--version'],
  unfit: (output) => version(output, /^3\.([6-9]|\d\d)\./, '3.6 or newer'),
  release: (os, arch) => {
    if (os !== 'linux') return undefined
    const base = `https://github.com/etcd-io/etcd/releases/download/v${etcdVersion}`
    const folder = `etcd-v${etcdVersion}-${os}-${arch}`
    return {
      url: `${base}/${folder}.tar.gz`,
      member: `${folder}/etcd`,
      checksum: { url: `${base}/SHA256SUMS`, form: 'sums' },
    }
  },
  go: {
    module: 'go.etcd.io/etcd/server/v3',
    version: `v${etcdVersion}`,
    package: 'go.etcd.io/etcd/server/v3',
  },
}

const kwokVersion = '0.8.0'
const kwok: Tool = {
  name: 'kwok',
  versionArgs: ['--version'],
  unfit: (output) => version(output, /^0\.8\./, '0.8'),
  release: (os, arch) => {
    const repo = 'kubernetes-sigs/kwok'
    return {
      url: `https://github.com/${repo}/releases/download/v${kwokVersion}/kwok-${os}-${arch}`,
      // KWOK publishes no checksum file; GitHub itself publishes the digest of each asset.
      checksum: {
        url: `https://api.github.com/repos/${repo}/releases/tags/v${kwokVersion}`,
        form: 'github',
      },
    }
  },
  go: {
    module: 'sigs.k8s.io/kwok',
    version: `v${kwokVersion}`,
    package: 'sigs.k8s.io/kwok/cmd/kwok',
  },
}

/** All that a control plane needs. */
export const tools: readonly Tool[] = [
  etcd,
  kubernetes('kube-apiserver', ['--version'], 0),
  kubernetes('kube-controller-manager', ['--version'], 0),
  kubernetes('kube-scheduler', ['--version'], 0),
  kubernetes('kubectl', ['version', '--client', '-o', 'json'], 1),
  kwok,
]

/** The system's name in the words of Go and of release files. */
export const goOs = (): string => process.platform
export const goArch = (): string => (process.arch === 'x64' ? 'amd64' : process.arch)
