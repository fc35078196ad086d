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
 * The chart's values: values.yaml, values.schema.json and docs/values.md are made from this. Each
 * default stands beside its description.
 */

const asInPod = (what: string) => anything(`${what}, as in a Pod.`)

const helmsOwn = { ...anything('Helm’s own, for charts that include this one.'), default: {} }

const imageFields = (repository: string, tag: string, withoutTag: string) => ({
  repository: string('Where it is.', { default: repository, minLength: 1 }),
  tag: string(`Its tag${withoutTag}.`, { default: tag }),
  digest: string('sha256:…, instead of a tag.', {
    default: '',
    pattern: '^(sha256:[0-9a-f]{64})?$',
  }),
  pullPolicy: choice('When it is pulled.', ['IfNotPresent', 'Always', 'Never'], {
    default: 'IfNotPresent',
  }),
})
const pullSecrets = list('Names of Secrets to pull it with.', string('A name.'), { default: [] })

/** What the subchart takes, and how the chart's own templates reach the hooks. */
export const metacontroller = object('Metacontroller, which calls the hooks.', {
  enabled: boolean(
    'Whether the chart brings it, with rights to just what it manages here. Most have it already, for other things too: two in one cluster would both manage everything.',
    { default: false },
  ),
  url: string(
    'Where it reaches the hooks; without one by the Service. For a Metacontroller outside the cluster: https://HOST:PORT, and HOST among tls.names.',
    { default: '', pattern: '^(https://[^/]+)?$' },
  ),
  deviceClaims: choice(
    'Whether ResourceClaimTemplates are among the children, for GPUs by DRA. Auto: where the cluster serves resource.k8s.io/v1.',
    ['Auto', 'Enabled', 'Disabled'],
    { default: 'Auto' },
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
      'The server’s configuration: registry, images, storage, GPU profiles, server presets. What is left out keeps its default.',
    default: {},
  },

  replicas: integer('How many servers. Each can do all; two let a node go away unnoticed.', {
    minimum: 0,
    default: 2,
  }),
  image: object(
    'The server’s image. The default is not published: build it as helm/README.md says.',
    imageFields(
      'ghcr.io/substratusai/metacontroller-server',
      '',
      '; without one the chart’s appVersion',
    ),
  ),
  imagePullSecrets: pullSecrets,
  logLevel: choice('What the server logs.', ['debug', 'info', 'warn', 'error'], {
    default: 'info',
  }),

  metacontroller,
  hookToken: object('The bearer token that the hooks ask for.', {
    enabled: boolean(
      'Whether they do. Metacontroller then lists and watches Secrets: it reads the token from one.',
      { default: true },
    ),
    secretName: string(
      'A Secret of yours with the key token; without one the chart makes a random one and keeps it.',
      { default: '' },
    ),
  }),
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
      'A Secret of yours with tls.crt and tls.key; without one, and without cert-manager, the chart makes a CA and a CronJob renews the certificate.',
      { default: '' },
    ),
    ca: string('With secretName: the CA that signed it, PEM.', { default: '' }),
    certManager: object('cert-manager.', {
      enabled: boolean('Whether it makes the certificate.', { default: false }),
      issuer: object(
        'Your issuer; without a name the chart makes a CA of its own by cert-manager.',
        {
          kind: choice('Its kind.', ['Issuer', 'ClusterIssuer'], { default: 'ClusterIssuer' }),
          name: string('Its name.', { default: '' }),
        },
      ),
    }),
    names: list(
      'More DNS names and IPv4 addresses that the certificate is for, beside the Service’s.',
      string('A name.', { minLength: 1 }),
      { default: [] },
    ),
    days: integer('How long a certificate of the chart’s own CA is good for.', {
      minimum: 2,
      maximum: 3650,
      default: 90,
    }),
    renewSchedule: string('When the CronJob looks whether a third of that is over.', {
      default: '17 3 * * *',
      minLength: 9,
    }),
  }),
  crds: object('The CustomResourceDefinitions.', {
    install: boolean(
      'Whether the chart brings them. They are updated with it, and stay when it is uninstalled.',
      { default: true },
    ),
  }),
  rbac: object('Rights of users.', {
    aggregate: boolean(
      'Whether the roles view, edit and admin of a namespace include the four kinds.',
      { default: true },
    ),
  }),

  serviceAccount: object('The server’s ServiceAccount.', {
    annotations: map('Its annotations.', string('A value.'), { default: {} }),
  }),
  resources: {
    ...asInPod('Requests and limits'),
    default: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '512Mi' } },
  },
  podDisruptionBudget: object('The PodDisruptionBudget.', {
    enabled: boolean('Whether there is one; it lets one server go at a time.', { default: true }),
  }),
  podLabels: map('More labels of the Pods.', string('A value.'), { default: {} }),
  podAnnotations: map('More annotations of the Pods.', string('A value.'), { default: {} }),
  nodeSelector: map('Nodes that the Pods may run on.', string('A value.'), { default: {} }),
  tolerations: { ...asInPod('Taints to tolerate'), default: [] },
  affinity: { ...asInPod('Affinity; without any, zones are preferred to differ'), default: {} },
  priorityClassName: string('The PriorityClass of the Pods.', { default: '' }),

  networkPolicy: object('The NetworkPolicy of the server.', {
    enabled: boolean(
      'Whether there is one: in to its port alone, out to DNS and the API server alone.',
      { default: true },
    ),
    from: {
      ...anything(
        'Who may reach the port, as in a NetworkPolicy; empty is everybody. Name Metacontroller, Prometheus and the API server: few networks can select the last.',
      ),
      default: [],
    },
    apiServerPorts: list(
      'Ports of the API server, at its endpoints rather than at its Service.',
      integer('A port.', { minimum: 1, maximum: 65535 }),
      { default: [443, 6443, 8443, 16443] },
    ),
  }),
  serviceMonitor: object('Scraping by the Prometheus operator.', {
    enabled: boolean('Whether there is a ServiceMonitor.', { default: false }),
    interval: string('How often it asks.', { default: '30s' }),
    labels: map('Its labels, where your Prometheus selects by some.', string('A value.'), {
      default: {},
    }),
  }),
  alerts: object('Alerts by the Prometheus operator.', {
    enabled: boolean('Whether there is a PrometheusRule with the alerts of docs/operate.md.', {
      default: false,
    }),
    labels: map('Its labels.', string('A value.'), { default: {} }),
  }),
  dashboard: object('The dashboard for Grafana.', {
    enabled: boolean('Whether there is a ConfigMap with the dashboard.', { default: false }),
    labels: map('Its labels, by which Grafana’s sidecar finds it.', string('A value.'), {
      default: { grafana_dashboard: '1' },
    }),
  }),
  global: helmsOwn,
})
