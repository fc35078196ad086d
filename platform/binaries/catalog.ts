/** The Kubernetes that `up` runs; everything else follows from it. */
export const kubernetesVersion = '1.36.3'

export type ToolName =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'kwok'

/** BuildKit, as it runs without root. */
export type BuildToolName = 'buildkitd' | 'buildctl' | 'rootlesskit'

/** What a real node needs beside the control plane. */
export type NodeToolName =
  | BuildToolName
  | 'kubelet'
  | 'kube-proxy'
  | 'containerd'
  | 'containerd-shim-runc-v2'
  | 'ctr'
  | 'crane'
  | 'rclone'
  | 'coredns'

/** A published binary: a plain file, or a member of an archive. */
export interface Release {
  readonly url: string
  /** The path inside a .tar.gz. */
  readonly member?: string
  /** Where the official site publishes the sha256 of the file. */
  readonly checksum: { readonly url: string; readonly form: 'sha256' | 'sums' | 'github' }
}

export interface Tool<Name extends string = string> {
  readonly name: Name
  readonly versionArgs: readonly string[]
  /** What is wrong with the version that the binary reports, if anything. */
  readonly unfit: (output: string) => string | undefined
  readonly release: (os: string, arch: string) => Release | undefined
  readonly go: {
    readonly module: string
    readonly version: string
    readonly package: string
    /** The Go variable for the version, if a plain build leaves it unset. */
    readonly stamp?: string
  }
}

const minorOf = (text: string): number | undefined => {
  const found = /v1\.(\d+)\.\d+/.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

const kubernetes = <Name extends string>(
  name: Name,
  versionArgs: readonly string[],
  skew: number,
  version = kubernetesVersion,
): Tool<Name> => ({
  name,
  versionArgs,
  unfit: (output) => {
    const minor = minorOf(output)
    const wanted = Number(version.split('.')[1])
    if (minor === undefined) return 'it does not say its version'
    return Math.abs(minor - wanted) <= skew
      ? undefined
      : `it is version 1.${minor}, not 1.${wanted}${skew ? ` (within ${skew})` : ''}`
  },
  // Only kubectl is also released for systems other than Linux.
  release: (os, arch) => {
    if (os !== 'linux' && name !== 'kubectl') return undefined
    const url = `https://dl.k8s.io/v${version}/bin/${os}/${arch}/${name}`
    return { url, checksum: { url: `${url}.sha256`, form: 'sha256' } }
  },
  go: {
    module: 'k8s.io/kubernetes',
    version: `v${version}`,
    package: `k8s.io/kubernetes/cmd/${name}`,
  },
})

const version = (output: string, expected: RegExp, wanted: string): string | undefined => {
  const found = /v?(\d+\.\d+\.\d+\S*)/.exec(output)?.[1]
  if (!found) return 'it does not say its version'
  return expected.test(found) ? undefined : `it is version ${found}, not ${wanted}`
}

const etcdVersion = '3.6.8'
const etcd: Tool<'etcd'> = {
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
const kwok: Tool<'kwok'> = {
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

const kubectlVersionArgs = ['version', '--client', '-o', 'json']

/** What a control plane needs. */
export const tools: readonly Tool<ToolName>[] = [
  etcd,
  kubernetes('kube-apiserver', ['--version'], 0),
  kubernetes('kube-controller-manager', ['--version'], 0),
  kubernetes('kube-scheduler', ['--version'], 0),
  kubernetes('kubectl', kubectlVersionArgs, 1),
  kwok,
]

const olderKubectlVersion = '1.35.4'

/** Only a test needs it: people use kubectl of the minor before, too. Its name contains the version. */
export const olderKubectl: Tool = {
  ...kubernetes('kubectl', kubectlVersionArgs, 0, olderKubectlVersion),
  name: `kubectl-${olderKubectlVersion}`,
}

const helmVersion = '4.3.1'

/** Only the tests of the chart need it. */
export const helm: Tool<'helm'> = {
  name: 'helm',
  versionArgs: ['version', '--short'],
  unfit: (output) => version(output, /^(3\.(1[89]|[2-9]\d)|4)\./, '3.18 or newer'),
  release: (os, arch) => {
    const url = `https://get.helm.sh/helm-v${helmVersion}-${os}-${arch}.tar.gz`
    return {
      url,
      member: `${os}-${arch}/helm`,
      checksum: { url: `${url}.sha256sum`, form: 'sums' },
    }
  },
  go: {
    module: 'helm.sh/helm/v4',
    version: `v${helmVersion}`,
    package: 'helm.sh/helm/v4/cmd/helm',
    stamp: 'helm.sh/helm/v4/internal/version.version',
  },
}

const actionlintVersion = '1.7.12'

/** Only the test of .github/workflows needs it. */
export const actionlint: Tool<'actionlint'> = {
  name: 'actionlint',
  versionArgs: ['-version'],
  unfit: (output) => version(output, /^1\.(7\.(1[2-9]|[2-9]\d)|[89]|\d\d)/, '1.7.12 or newer'),
  release: (os, arch) => {
    const base = `https://github.com/rhysd/actionlint/releases/download/v${actionlintVersion}`
    return {
      url: `${base}/actionlint_${actionlintVersion}_${os}_${arch}.tar.gz`,
      member: 'actionlint',
      checksum: { url: `${base}/actionlint_${actionlintVersion}_checksums.txt`, form: 'sums' },
    }
  },
  go: {
    module: 'github.com/rhysd/actionlint',
    version: `v${actionlintVersion}`,
    package: 'github.com/rhysd/actionlint/cmd/actionlint',
    stamp: 'github.com/rhysd/actionlint.version',
  },
}

const kueueVersion = '0.17.0'

/**
 * Only the tests with Kueue need it. It is released only as an image, and does not report its version, so
 * its name contains the version.
 */
export const kueue: Tool = {
  name: `kueue-${kueueVersion}`,
  versionArgs: ['--help'],
  unfit: () => undefined,
  release: () => undefined,
  go: {
    module: 'sigs.k8s.io/kueue',
    version: `v${kueueVersion}`,
    package: 'sigs.k8s.io/kueue/cmd/kueue',
    stamp: 'sigs.k8s.io/kueue/pkg/version.GitVersion',
  },
}

const kubeStateMetricsVersion = '2.20.0'

/**
 * Only the test of the dashboard needs it, in the version that docs/operate.md names, so its name contains
 * the version. It is released only as an image.
 */
export const kubeStateMetrics: Tool = {
  name: `kube-state-metrics-${kubeStateMetricsVersion}`,
  versionArgs: ['version'],
  unfit: (output) => version(output, /^2\.20\.0$/, kubeStateMetricsVersion),
  release: () => undefined,
  go: {
    module: 'k8s.io/kube-state-metrics/v2',
    version: `v${kubeStateMetricsVersion}`,
    package: 'k8s.io/kube-state-metrics/v2',
    stamp: 'github.com/prometheus/common/version.Version',
  },
}

/** A program of a Go project that releases one archive on GitHub. */
const published = <Name extends NodeToolName>(
  name: Name,
  wanted: RegExp,
  from: {
    readonly repo: string
    readonly version: string
    readonly archive: (arch: string) => string
    readonly member: string
    readonly module: string
    readonly package: string
    readonly versionArgs?: readonly string[]
    readonly stamp?: string
  },
): Tool<Name> => ({
  name,
  versionArgs: from.versionArgs ?? ['--version'],
  unfit: (output) => version(output, wanted, from.version),
  release: (os, arch) =>
    os === 'linux'
      ? {
          url: `https://github.com/${from.repo}/releases/download/v${from.version}/${from.archive(arch)}`,
          member: from.member,
          checksum: {
            url: `https://api.github.com/repos/${from.repo}/releases/tags/v${from.version}`,
            form: 'github',
          },
        }
      : undefined,
  go: {
    module: from.module,
    version: `v${from.version}`,
    package: from.package,
    ...(from.stamp && { stamp: from.stamp }),
  },
})

const containerd = <Name extends NodeToolName>(name: Name, versionArgs = ['--version']) =>
  published(name, /^2\.\d+\./, {
    repo: 'containerd/containerd',
    version: '2.2.0',
    archive: (arch) => `containerd-2.2.0-linux-${arch}.tar.gz`,
    member: `bin/${name}`,
    module: 'github.com/containerd/containerd/v2',
    package: `github.com/containerd/containerd/v2/cmd/${name}`,
    versionArgs,
  })

const buildkit = <Name extends NodeToolName>(name: Name) =>
  published(name, /^0\.(3[4-9]|[4-9]\d)\./, {
    repo: 'moby/buildkit',
    version: '0.34.2',
    archive: (arch) => `buildkit-v0.34.2.linux-${arch}.tar.gz`,
    member: `bin/${name}`,
    module: 'github.com/moby/buildkit',
    package: `github.com/moby/buildkit/cmd/${name}`,
    stamp: 'github.com/moby/buildkit/version.Version',
  })

const unameArch = (arch: string): string => (arch === 'amd64' ? 'x86_64' : 'aarch64')

export const buildTools: readonly Tool<BuildToolName>[] = [
  buildkit('buildkitd'),
  buildkit('buildctl'),
  published('rootlesskit', /^[23]\./, {
    repo: 'rootless-containers/rootlesskit',
    version: '2.3.6',
    archive: (arch) => `rootlesskit-${unameArch(arch)}.tar.gz`,
    member: 'rootlesskit',
    module: 'github.com/rootless-containers/rootlesskit/v2',
    package: 'github.com/rootless-containers/rootlesskit/v2/cmd/rootlesskit',
  }),
]

/** What a real node needs. */
export const nodeTools: readonly Tool<NodeToolName>[] = [
  kubernetes('kubelet', ['--version'], 0),
  kubernetes('kube-proxy', ['--version'], 0),
  containerd('containerd'),
  containerd('containerd-shim-runc-v2', ['-v']),
  containerd('ctr'),
  published('crane', /^0\.2\d\./, {
    repo: 'google/go-containerregistry',
    version: '0.22.1',
    archive: (arch) => `go-containerregistry_Linux_${arch === 'amd64' ? 'x86_64' : 'arm64'}.tar.gz`,
    member: 'crane',
    module: 'github.com/google/go-containerregistry',
    package: 'github.com/google/go-containerregistry/cmd/crane',
    versionArgs: ['version'],
    stamp: 'github.com/google/go-containerregistry/cmd/crane/cmd.Version',
  }),
  ...buildTools,
  {
    name: 'rclone',
    versionArgs: ['version'],
    // Earlier versions have no S3 server; Debian 12 has 1.60.
    unfit: (output) => version(output, /^1\.(6[5-9]|[7-9]\d)\./, '1.65 or newer'),
    // Released as .zip only.
    release: () => undefined,
    go: {
      module: 'github.com/rclone/rclone',
      version: 'v1.76.0',
      package: 'github.com/rclone/rclone',
      stamp: 'github.com/rclone/rclone/fs.Version',
    },
  },
  published('coredns', /^1\.1[4-9]\./, {
    repo: 'coredns/coredns',
    version: '1.15.0',
    archive: (arch) => `coredns_1.15.0_linux_${arch}.tgz`,
    member: 'coredns',
    module: 'github.com/coredns/coredns',
    package: 'github.com/coredns/coredns',
    versionArgs: ['-version'],
  }),
]

/** The name of the operating system in Go and in release files. */
export const goOs = (): string => process.platform
export const goArch = (): string => (process.arch === 'x64' ? 'amd64' : process.arch)
