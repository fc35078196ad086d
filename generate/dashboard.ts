/** The dashboard for Grafana. Its panels read the metrics of docs/operate.md, a row for each part. */

interface Query {
  readonly expr: string
  readonly legend: string
}

interface Panel {
  readonly title: string
  readonly description: string
  /** One of Grafana's units. */
  readonly unit: string
  /** Of 24. */
  readonly width: number
  readonly isStacked?: boolean
  readonly queries: readonly Query[]
}

const answered = (suffix: string, more = '') =>
  `rate(substratus_request_duration_seconds_${suffix}{service="substratus"${more}}[$__rate_interval])`

const quantiles = (buckets: string): readonly Query[] => [
  { expr: `histogram_quantile(0.5, sum by (le) (${buckets}))`, legend: 'median' },
  { expr: `histogram_quantile(0.99, sum by (le) (${buckets}))`, legend: '99 %' },
]

const ofServer: readonly Panel[] = [
  {
    title: 'Requests',
    description: 'Hook requests and admission reviews per second, by route.',
    unit: 'reqps',
    width: 12,
    isStacked: true,
    queries: [{ expr: `sum by (route) (${answered('count')})`, legend: '{{route}}' }],
  },
  {
    title: 'Errors',
    description:
      'Responses other than 2xx per second: 401 is a wrong token, 4xx a malformed request, 5xx a fault of the server.',
    unit: 'reqps',
    width: 12,
    isStacked: true,
    queries: [{ expr: `sum by (code) (${answered('count', ',code!~"2.."')})`, legend: '{{code}}' }],
  },
  {
    title: 'Time to answer: hooks',
    description: 'Metacontroller gives up after 10 s.',
    unit: 's',
    width: 12,
    queries: quantiles(answered('bucket', ',route=~"/hooks/.*"')),
  },
  {
    title: 'Time to answer: admission',
    description: 'What kubectl apply waits for. The API server gives up after 5 s.',
    unit: 's',
    width: 12,
    queries: quantiles(answered('bucket', ',route=~"/admission/.*"')),
  },
  {
    title: 'Refused objects',
    description: 'Objects per minute that admission refused, by kind.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: 'sum by (kind) (rate(substratus_admission_refused_total{service="substratus"}[$__rate_interval])) * 60',
        legend: '{{kind}}',
      },
    ],
  },
  {
    title: 'Reports of progress',
    description: 'Reports per second, by the status code of the response.',
    unit: 'reqps',
    width: 8,
    isStacked: true,
    queries: [
      {
        expr: 'sum by (code) (rate(substratus_progress_reports_total{service="substratus"}[$__rate_interval]))',
        legend: '{{code}}',
      },
    ],
  },
  {
    title: 'Updates pending',
    description: 'Servers and notebooks that run an older Pod template.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: 'sum by (kind) (substratus_update_pending{service="substratus"})',
        legend: '{{kind}}',
      },
    ],
  },
  {
    title: 'Silence of watches',
    description: 'How long each watch has heard nothing. More than a minute is a fault.',
    unit: 's',
    width: 8,
    queries: [
      {
        expr: 'max by (pod, watch) (substratus_watch_silence_seconds)',
        legend: '{{pod}} {{watch}}',
      },
    ],
  },
  {
    title: 'Memory',
    description: 'Of each server.',
    unit: 'bytes',
    width: 8,
    queries: [{ expr: 'process_resident_memory_bytes{service="substratus"}', legend: '{{pod}}' }],
  },
  {
    title: 'Days until the certificate ends',
    description: 'It is renewed when a third of its time is over.',
    unit: 'd',
    width: 8,
    queries: [
      {
        expr: '(min by (pod) (substratus_certificate_expiry_timestamp_seconds{service="substratus"}) - time()) / 86400',
        legend: '{{pod}}',
      },
    ],
  },
]

const ofGateway: readonly Panel[] = [
  {
    title: 'Requests for models',
    description:
      'Finished requests per second, by the status code of the response. 499: the client disconnected.',
    unit: 'reqps',
    width: 12,
    isStacked: true,
    queries: [
      {
        expr: 'sum by (code) (rate(substratus_gateway_requests_total[$__rate_interval]))',
        legend: '{{code}}',
      },
    ],
  },
  {
    title: 'Time to the first byte',
    description: 'Of a response, without the time that a server took to wake.',
    unit: 's',
    width: 12,
    queries: quantiles('rate(substratus_gateway_first_byte_seconds_bucket[$__rate_interval])'),
  },
  {
    title: 'Requests in progress',
    description: 'Requests that wait for a server or are being answered, by model.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: 'sum by (namespace, model) (substratus_gateway_requests_under_way)',
        legend: '{{namespace}}/{{model}}',
      },
    ],
  },
  {
    title: 'Tokens',
    description: 'Tokens per second, by model, if responses contain usage.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: 'sum by (namespace, model, kind) (rate(substratus_gateway_tokens_total[$__rate_interval]))',
        legend: '{{namespace}}/{{model}} {{kind}}',
      },
    ],
  },
  {
    title: 'Time to wake',
    description: 'How long requests of the last hour waited for a sleeping server.',
    unit: 's',
    width: 8,
    queries: quantiles('rate(substratus_gateway_wake_seconds_bucket[1h])'),
  },
]

const object = 'namespace, customresource_kind, name'
const named = '{{customresource_kind}} {{namespace}}/{{name}}'
const notReady = `on (${object}) max by (${object}) (substratus_condition{type="Ready"} == 0)`

/** The metrics are those of kube-state-metrics with the configuration of kubeStateMetrics.enabled. */
const ofObjects: readonly Panel[] = [
  {
    title: 'Objects by state',
    description: 'How many objects there are, by kind and the reason of Ready.',
    unit: 'short',
    width: 12,
    isStacked: true,
    queries: [
      {
        expr: `count by (customresource_kind, reason) (max by (${object}, reason) (substratus_condition{type="Ready"}))`,
        legend: '{{customresource_kind}} {{reason}}',
      },
    ],
  },
  {
    title: 'Not Ready for',
    description: 'How long each object that is not Ready has been so.',
    unit: 's',
    width: 12,
    queries: [
      {
        expr: `time() - max by (${object}) (substratus_condition_transition_timestamp_seconds{type="Ready"}) and ${notReady}`,
        legend: named,
      },
    ],
  },
  {
    title: 'Progress',
    description: 'Of work that reports it and has not ended.',
    unit: 'percent',
    width: 8,
    queries: [
      {
        expr: `max by (${object}, stage) (substratus_progress_percent) and ${notReady}`,
        legend: `${named} {{stage}}`,
      },
    ],
  },
  {
    title: 'Replicas of ModelServers',
    description: 'How many are requested, and how many answer.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: 'max by (namespace, name) (substratus_spec_replicas)',
        legend: '{{namespace}}/{{name}} wanted',
      },
      {
        expr: 'max by (namespace, name) (label_replace(kube_deployment_status_replicas_ready, "name", "$1", "deployment", "(.+)-server")) and on (namespace, name) substratus_spec_replicas',
        legend: '{{namespace}}/{{name}} ready',
      },
    ],
  },
  {
    title: 'Size of results',
    description: 'Of the last complete results, by namespace.',
    unit: 'bytes',
    width: 8,
    isStacked: true,
    queries: [
      {
        expr: 'sum by (namespace) (max by (namespace, customresource_kind, name) (substratus_artifacts_bytes))',
        legend: '{{namespace}}',
      },
    ],
  },
]

const rows = { Server: ofServer, Gateway: ofGateway, Objects: ofObjects }

const height = 8
const datasource = { type: 'prometheus', uid: '${datasource}' }

const panel = ({ title, description, unit, isStacked = false, queries }: Panel): object => ({
  type: 'timeseries',
  title,
  description,
  datasource,
  fieldConfig: {
    defaults: {
      unit,
      min: 0,
      custom: { fillOpacity: 10, stacking: { mode: isStacked ? 'normal' : 'none' } },
    },
    overrides: [],
  },
  options: {
    legend: { displayMode: 'list', placement: 'bottom' },
    tooltip: { mode: 'multi' },
  },
  targets: queries.map(({ expr, legend }, index) => ({
    refId: String.fromCharCode(65 + index),
    expr,
    legendFormat: legend,
  })),
})

/** The panels from left to right, and a title above each part. */
function placed(): readonly object[] {
  const all: object[] = []
  let [x, y] = [0, 0]
  const place = (what: object, w: number, h: number) => {
    all.push({ id: all.length + 1, ...what, gridPos: { x, y, w, h } })
    x = (x + w) % 24
    if (x === 0) y += h
  }
  for (const [title, panels] of Object.entries(rows)) {
    place({ type: 'row', title, collapsed: false, panels: [] }, 24, 1)
    for (const one of panels) place(panel(one), one.width, height)
  }
  return all
}

export const dashboard = (): string =>
  `${JSON.stringify(
    {
      $comment: 'Generated by npm run generate; do not edit.',
      title: 'Substratus',
      uid: 'substratus',
      tags: ['substratus'],
      timezone: 'browser',
      schemaVersion: 39,
      refresh: '30s',
      time: { from: 'now-3h', to: 'now' },
      templating: {
        list: [
          { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        ],
      },
      panels: placed(),
    },
    null,
    1,
  )}\n`
