import { configSchema } from '../crds/config.ts'
import {
  anything,
  boolean,
  choice,
  integer,
  list,
  map,
  object,
  string,
} from '../crds/schema/builders.ts'
import { flags, released } from '../metacontroller/release.ts'
import { segmentPattern } from '../webhooks/configuration.ts'

/**
 * The chart's values, from which values.yaml, values.schema.json and docs/values.md are generated.
 */

const asInPod = (what: string) => anything(`${what}, as in a Pod.`)

const helmsOwn = { ...anything('Helm’s own, for charts that include this one.'), default: {} }

const imageFields = (repository: string, tag: string, withoutTag: string) => ({
  repository: string('Its repository.', {
    default: repository,
    ...(repository && { minLength: 1 }),
  }),
  tag: string(`Its tag${withoutTag}.`, { default: tag }),
  digest: string('sha256:…, instead of a tag.', {
    default: '',
    pattern: '^(sha256:[0-9a-f]{64})?$',
  }),
  pullPolicy: choice('Its pull policy.', ['IfNotPresent', 'Always', 'Never'], {
    default: 'IfNotPresent',
  }),
})
const seconds = (description: string, standard: number) =>
  integer(description, { minimum: 1, maximum: 86_400, default: standard })
const pullSecrets = list('Names of Secrets with which to pull it.', string('A name.'), {
  default: [],
})

/** The values of the subchart; the chart's own templates use some of them too. */
export const metacontroller = object('Metacontroller, which calls the hooks.', {
  enabled: boolean(
    'Whether the chart installs it, with permissions for only what it manages here. Leave it false if the cluster has a Metacontroller: two in one cluster would both manage everything.',
    { default: false },
  ),
  url: string(
    'The URL of the hooks; the default is the Service. For a Metacontroller outside the cluster: https://HOST:PORT, with HOST in tls.names.',
    { default: '', pattern: '^(https://[^/]+)?$' },
  ),
  deviceClaims: choice(
    'Whether ResourceClaimTemplates are among the children, for GPUs with DRA. Auto: if the cluster serves resource.k8s.io/v1.',
    ['Auto', 'Enabled', 'Disabled'],
    { default: 'Auto' },
  ),
  shards: list(
    'Splits the objects of each kind among several Metacontrollers; docs/scale.md says when and how. Without an entry, one has them all.',
    object(
      'The objects of one Metacontroller, which is started with --target-label-selector=substratus.ai/shard=NAME.',
      {
        name: string('Its name.', { pattern: '^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$' }),
        labelSelector: anything(
          'The labels of its objects: matchLabels and matchExpressions. Every object must be selected by exactly one shard.',
        ),
      },
      { required: ['name', 'labelSelector'] },
    ),
    { default: [] },
  ),
  image: object(
    'With enabled: its image.',
    imageFields(released.repository, released.tag, '; the chart is tested with the default'),
  ),
  imagePullSecrets: pullSecrets,
  args: list('With enabled: its flags.', string('A flag.', { pattern: '^--?[a-z]' }), {
    default: [...flags],
  }),
  resources: {
    ...asInPod('With enabled: requests and limits'),
    default: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
  },
  nodeSelector: map('With enabled: nodes that its Pod may run on.', string('A value.'), {
    default: {},
  }),
  tolerations: { ...asInPod('With enabled: taints to tolerate'), default: [] },
  affinity: { ...asInPod('With enabled: affinity'), default: {} },
  priorityClassName: string('With enabled: the PriorityClass of its Pod.', { default: '' }),
  global: helmsOwn,
})

export const values = object('The chart’s values.', {
  config: {
    ...configSchema,
    description:
      'The server’s configuration: registry, images, storage, GPU profiles, server presets. Omitted fields have their defaults.',
    default: {},
  },

  replicas: integer(
    'How many servers. One is enough for the work; with two, one answers while a node is drained or down.',
    {
      minimum: 0,
      default: 2,
    },
  ),
  image: object(
    'The server’s image, if it is not PREFIX/substratus of config.images.prefix.',
    imageFields('', '', '; the default is config.images.tag, or the chart’s appVersion'),
  ),
  imagePullSecrets: pullSecrets,
  logLevel: choice('The server’s log level.', ['debug', 'info', 'warn', 'error'], {
    default: 'info',
  }),

  metacontroller,
  hookToken: object(
    'The bearer token of the hooks. Without it, the server writes no Events about objects, because anyone in the cluster network could make it write them.',
    {
      enabled: boolean(
        'Whether the hooks require a token. If so, Metacontroller lists and watches Secrets, because it reads the token from one.',
        { default: true },
      ),
      secretName: string(
        'Your own Secret with the key token; by default the chart generates a random token and never replaces it.',
        { default: '' },
      ),
    },
  ),
  progress: object(
    'Where work reports its progress: http://substratus.RELEASE-NAMESPACE.svc:8090, a port that takes nothing but reports. It needs hookToken.enabled, because the addresses are signed with a key that is derived from that token.',
    {
      enabled: boolean('Whether the server takes reports.', { default: true }),
    },
  ),
  admissionPath: object(
    'A secret segment in the path of admission, for clusters in which a NetworkPolicy cannot select the API server. It has 16 to 63 characters out of a-z, 0-9 and "-". helm/README.md says how to introduce and change it without a failed apply.',
    {
      segment: string(
        'The segment that the API server uses; empty for the well-known path without a segment.',
        {
          default: '',
          pattern: `^(${segmentPattern})?$`,
        },
      ),
      alsoAccepted: string(
        'A second segment that the server accepts while the segment is changed, the next or the previous one; "plain" is the path without a segment.',
        { default: '', pattern: `^(plain|${segmentPattern})?$` },
      ),
    },
  ),
  tls: object('The server’s certificate.', {
    secretName: string(
      'Your own Secret with tls.crt and tls.key; by default, without cert-manager, the chart makes a CA and a CronJob renews the certificate.',
      { default: '' },
    ),
    ca: string('With secretName: the CA that signed it, PEM.', { default: '' }),
    certManager: object('cert-manager.', {
      enabled: boolean('Whether it makes the certificate.', { default: false }),
      issuer: object('Your issuer; without a name, the chart makes its own CA with cert-manager.', {
        kind: choice('Its kind.', ['Issuer', 'ClusterIssuer'], { default: 'ClusterIssuer' }),
        name: string('Its name.', { default: '' }),
      }),
    }),
    names: list(
      'Additional DNS names and IPv4 addresses of the certificate.',
      string('A name.', { minLength: 1 }),
      { default: [] },
    ),
    days: integer('For how many days a certificate of the chart’s own CA is valid.', {
      minimum: 2,
      maximum: 3650,
      default: 90,
    }),
    renewSchedule: string('When the CronJob checks whether a third of that time is over.', {
      default: '17 3 * * *',
      minLength: 9,
    }),
  }),
  crds: object('The CustomResourceDefinitions.', {
    install: boolean(
      'Whether the chart installs them. Upgrades update them, and an uninstallation retains them.',
      { default: true },
    ),
  }),
  rbac: object('Permissions of users.', {
    aggregate: boolean(
      'Whether the roles view, edit and admin of a namespace include the four kinds.',
      { default: true },
    ),
  }),

  gateway: object(
    'One OpenAI-compatible address for the ModelServers of all namespaces: http://substratus-gateway.RELEASE-NAMESPACE.svc/NAMESPACE/v1. Its Pods have the same image, log level, node selector, tolerations, labels and annotations as the server’s.',
    {
      enabled: boolean('Whether to create it.', { default: false }),
      replicas: integer('How many Pods.', { minimum: 0, default: 2 }),
      anonymous: boolean(
        'Whether anybody who reaches it may use every model of every namespace, without a key.',
        { default: false },
      ),
      acceptClusterTokens: boolean(
        'Whether tokens for the API server are accepted as keys, too. Sending one trusts the gateway with everything that the token permits; a token with the audience substratus.ai/gateway is of use only here.',
        { default: false },
      ),
      holdSeconds: seconds('How long a request waits for a server that wakes or starts.', 600),
      answerSeconds: seconds(
        'How long an answer may take, from the time the request is sent to the server until the last byte.',
        3600,
      ),
      drainSeconds: seconds('How long a Pod that is being stopped waits for answers to end.', 600),
      requestsPerModel: integer(
        'The most requests in progress for one model, in each Pod, including those that wait.',
        {
          minimum: 1,
          default: 500,
        },
      ),
      maxBodyMiB: integer(
        'The largest JSON body, in MiB. In each Pod, all bodies in progress together may be eight times as large; raise the memory limit with it.',
        { minimum: 1, maximum: 1024, default: 32 },
      ),
      maxFormMiB: integer(
        'The largest form, such as an upload to transcribe, in MiB. It is written to the node’s disk, where all forms in progress in a Pod may take eight times as much.',
        { minimum: 1, maximum: 65_536, default: 512 },
      ),
      tls: object('Its certificate.', {
        secretName: string('A Secret with tls.crt and tls.key; empty for plain HTTP.', {
          default: '',
        }),
      }),
      service: object('Its Service.', {
        type: choice('The type.', ['ClusterIP', 'NodePort', 'LoadBalancer'], {
          default: 'ClusterIP',
        }),
        annotations: map('Its annotations.', string('A value.'), { default: {} }),
      }),
      from: {
        ...anything(
          'Clients that may reach it, as in a NetworkPolicy, if networkPolicy.enabled is set; empty allows all.',
        ),
        default: [],
      },
      metricsFrom: {
        ...anything(
          'Clients that may read its metrics on port 9090, as in a NetworkPolicy, if networkPolicy.enabled is set; empty allows none but the kubelet, and is refused with serviceMonitor.enabled. By default, Pods of any namespace with the label that the Prometheus operator gives to its Pods.',
        ),
        default: [
          {
            namespaceSelector: {},
            podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } },
          },
        ],
      },
      resources: {
        ...asInPod('Requests and limits'),
        default: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
      },
    },
  ),

  serviceAccount: object('The server’s ServiceAccount.', {
    annotations: map('Its annotations.', string('A value.'), { default: {} }),
  }),
  resources: {
    ...asInPod('Requests and limits'),
    default: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '512Mi' } },
  },
  podDisruptionBudget: object('The PodDisruptionBudget.', {
    enabled: boolean('Whether to create one, which lets one server be evicted at a time.', {
      default: true,
    }),
  }),
  podLabels: map('Additional labels of the Pods.', string('A value.'), { default: {} }),
  podAnnotations: map('Additional annotations of the Pods.', string('A value.'), { default: {} }),
  nodeSelector: map('Nodes that the Pods may run on.', string('A value.'), { default: {} }),
  tolerations: { ...asInPod('Taints to tolerate'), default: [] },
  affinity: { ...asInPod('Affinity; by default, the Pods prefer different zones'), default: {} },
  priorityClassName: string('The PriorityClass of the Pods.', { default: '' }),

  networkPolicy: object('The NetworkPolicy of the server.', {
    enabled: boolean(
      'Whether to create one, which allows only its ports for ingress, and only DNS and the API server for egress.',
      { default: true },
    ),
    from: {
      ...anything(
        'Clients that may reach the port of hooks, admission and metrics, as in a NetworkPolicy; empty allows all. List Metacontroller, Prometheus and the API server, which few networks can select. Every Pod may reach the port for progress.',
      ),
      default: [],
    },
    apiServerPorts: list(
      'Ports of the API server’s endpoints, which may differ from the port of its Service.',
      integer('A port.', { minimum: 1, maximum: 65535 }),
      { default: [443, 6443, 8443, 16443] },
    ),
  }),
  serviceMonitor: object('Scraping by the Prometheus operator.', {
    enabled: boolean(
      'Whether to create a ServiceMonitor for the server, and one for the gateway if it is enabled.',
      { default: false },
    ),
    interval: string('The scrape interval.', { default: '30s' }),
    labels: map('Its labels, if your Prometheus selects by label.', string('A value.'), {
      default: {},
    }),
  }),
  alerts: object('Alerts by the Prometheus operator.', {
    enabled: boolean('Whether to create a PrometheusRule with the alerts of docs/operate.md.', {
      default: false,
    }),
    labels: map('Its labels.', string('A value.'), { default: {} }),
    pendingFor: string(
      'How long an object may wait for a Pod, an image or a missing object before SubstratusObjectPending fires, as a Prometheus duration. Jobs that wait in a Kueue queue do not count.',
      { default: '30m', pattern: '^([0-9]+(ms|[smhdwy]))+$' },
    ),
  }),
  kubeStateMetrics: object('Metrics of the four kinds, from your kube-state-metrics.', {
    enabled: boolean(
      'Whether to create the ConfigMap substratus-kube-state-metrics with its configuration, and grant it the right to read the four kinds.',
      { default: false },
    ),
    namespace: string('The namespace of kube-state-metrics; the default is that of the release.', {
      default: '',
    }),
    serviceAccount: string(
      'The ServiceAccount of kube-state-metrics, which is granted that right.',
      {
        default: 'kube-state-metrics',
        minLength: 1,
      },
    ),
  }),
  modelServerMonitor: object(
    'Scraping of ModelServers whose preset has metrics, by the Prometheus operator.',
    {
      enabled: boolean(
        'Whether to create a PodMonitor for all namespaces, and a PrometheusRule that records the requests of each server.',
        { default: false },
      ),
      interval: string('The scrape interval.', { default: '30s' }),
      labels: map('Labels for both, if your Prometheus selects by label.', string('A value.'), {
        default: {},
      }),
    },
  ),
  dashboard: object('The dashboard for Grafana.', {
    enabled: boolean('Whether to create a ConfigMap with the dashboard.', { default: false }),
    labels: map('Its labels, by which Grafana’s sidecar finds it.', string('A value.'), {
      default: { grafana_dashboard: '1' },
    }),
  }),
  global: helmsOwn,
})
