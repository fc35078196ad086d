import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments, stringify } from 'yaml'
import type { Kueue } from '../../platform/binaries/find.ts'
import { issue } from '../../platform/controlplane/pki.ts'
import type { Platform } from '../../platform/platform.ts'
import { freePorts } from '../../platform/ports.ts'
import { launch, waitUntil } from '../../platform/processes.ts'
import type { Shown } from '../cluster/cluster.ts'

/** Kueue as a plain process beside the control plane, with its own CRDs and webhooks, which reach it here. */
export async function startKueue(platform: Platform, { binary, module }: Kueue): Promise<void> {
  const { dir, kubectl } = platform
  const [webhook = 0, health = 0] = await freePorts(2)
  const folder = join(dir, 'kueue')
  const certificates = await certificatesIn(folder, dir)
  const config = join(folder, 'config.yaml')
  writeFileSync(config, stringify(configuration(certificates, webhook, health)))

  const components = join(module, 'config', 'components')
  const caBundle = readFileSync(platform.pki.ca.cert).toString('base64')
  const address = { url: `https://127.0.0.1:${webhook}`, caBundle }
  await kubectl.run(['create', 'namespace', namespace])
  await kubectl.apply(definitions(join(components, 'crd'), address))
  await kubectl.run(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s'])
  const kueue = launch({
    dir,
    name: 'kueue',
    file: '/bin/sh',
    args: ['-c', inOwnEtc, 'sh', join(folder, 'etc'), binary, `--config=${config}`],
    env: { ...process.env, KUBECONFIG: platform.kubeconfig },
  })
  const isHealthy = () =>
    fetch(`http://127.0.0.1:${health}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  await waitUntil(dir, kueue, isHealthy, { seconds: 60 })
  await kubectl.apply(webhooks(join(components, 'webhook', 'manifests.yaml'), address))
}

const namespace = 'kueue-system'

/**
 * Kueue reads the certificate of its metrics from a fixed path. In a private mount namespace, /etc is a
 * folder of ours. The shell stays the parent, so that the recorded process is the one that was started.
 */
const inOwnEtc = `
unshare --mount sh -ec 'mount --bind "$1" /etc; shift; exec setpriv --pdeathsig KILL "$@"' sh "$@" &
trap "kill $!" TERM
wait
wait
`

/** Returns the folder of the webhook's certificate; the one for metrics is in etc/. */
async function certificatesIn(folder: string, dir: string): Promise<string> {
  const metrics = join(folder, 'etc', 'kueue', 'metrics', 'certs')
  const webhook = join(folder, 'webhook')
  const names = ['localhost', '127.0.0.1']
  const { cert, key } = await issue(join(dir, 'pki'), 'kueue', { commonName: 'kueue' }, names)
  for (const to of [metrics, webhook]) {
    mkdirSync(to, { recursive: true })
    copyFileSync(cert, join(to, 'tls.crt'))
    copyFileSync(key, join(to, 'tls.key'))
  }
  return webhook
}

const configuration = (certDir: string, webhook: number, health: number) => ({
  apiVersion: 'config.kueue.x-k8s.io/v1beta2',
  kind: 'Configuration',
  namespace,
  health: { healthProbeBindAddress: `127.0.0.1:${health}` },
  metrics: { bindAddress: '0' },
  webhook: { host: '127.0.0.1', port: webhook, certDir },
  leaderElection: { leaderElect: false },
  internalCertManagement: { enable: false },
  clientConnection: { qps: 300, burst: 600 },
  // It would serve an aggregated API on a fixed port.
  featureGates: { VisibilityOnDemand: false },
  integrations: { frameworks: ['batch/job', 'pod', 'deployment', 'statefulset'] },
  waitForPodsReady: {
    timeout: '15s',
    requeuingStrategy: { backoffBaseSeconds: 10, backoffMaxSeconds: 10 },
  },
})

interface Address {
  readonly url: string
  readonly caBundle: string
}

/** A reference to a Service becomes an address on this machine. */
const reached = ({ service }: Shown, { url, caBundle }: Address) => ({
  url: `${url}${service.path}`,
  caBundle,
})

const documentsIn = (path: string): readonly Shown[] =>
  parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS())

/** The CRDs, with the conversion webhooks that kustomization.yaml patches in. */
function definitions(folder: string, address: Address): readonly Shown[] {
  const { patches } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8'))
  const conversions = new Map(
    patches
      .flatMap(({ path }: { readonly path: string }) => documentsIn(join(folder, path)))
      .map(({ metadata, spec }: Shown) => [metadata.name, spec.conversion]),
  )
  return readdirSync(join(folder, 'bases'))
    .flatMap((file) => documentsIn(join(folder, 'bases', file)))
    .map((definition) => {
      const conversion: Shown = conversions.get(definition.metadata.name)
      if (!conversion) return definition
      const clientConfig = reached(conversion.webhook.clientConfig, address)
      const webhook = { ...conversion.webhook, clientConfig }
      return {
        ...definition,
        spec: { ...definition.spec, conversion: { ...conversion, webhook } },
      }
    })
}

const webhooks = (path: string, address: Address): readonly Shown[] =>
  documentsIn(path).map((configuration) => ({
    ...configuration,
    metadata: { ...configuration.metadata, name: `kueue-${configuration.metadata.name}` },
    webhooks: configuration.webhooks.map((webhook: Shown) => ({
      ...webhook,
      clientConfig: reached(webhook.clientConfig, address),
    })),
  }))
