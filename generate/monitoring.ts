import { defaultConfig } from '../crds/config.ts'
import { group, type Kind, version } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'
import type { Schema } from '../crds/schema/builders.ts'

/** What the chart's monitoring reads from the kinds and the presets. */

type Path = readonly string[]

/** A metric of kube-state-metrics. A gauge of a field that an object does not have is left out. */
interface StateMetric {
  readonly name: string
  readonly help: string
  readonly labelsFromPath?: Readonly<Record<string, Path>>
  readonly each: object
}

/** A gauge, and where in the object it is. */
interface GaugeMetric {
  readonly name: string
  readonly help: string
  readonly path: Path
  /** More of kube-state-metrics' own fields of a gauge. */
  readonly how?: object
  /** Labels from elsewhere in the object. */
  readonly labels?: Readonly<Record<string, Path>>
}

const conditions: Path = ['status', 'conditions']
const stage = { stage: ['status', 'progress', 'stage'] }

/** The metrics of all kinds that have the field. kube-state-metrics turns times into seconds since 1970. */
const gauges: readonly GaugeMetric[] = [
  {
    name: 'created_timestamp_seconds',
    help: 'When the object was created.',
    path: ['metadata', 'creationTimestamp'],
  },
  {
    name: 'condition',
    help: 'Conditions of the object: 1 is True, 0 is False or Unknown.',
    path: conditions,
    how: { labelsFromPath: { type: ['type'], reason: ['reason'] }, valueFrom: ['status'] },
  },
  {
    name: 'condition_transition_timestamp_seconds',
    help: 'When the status of a condition last changed.',
    path: conditions,
    how: { labelsFromPath: { type: ['type'] }, valueFrom: ['lastTransitionTime'] },
  },
  {
    name: 'suspended',
    help: 'Whether spec.suspend is true.',
    path: ['spec', 'suspend'],
    how: { nilIsZero: true },
  },
  {
    name: 'progress_percent',
    help: 'How much of a stage is done, according to its own reports; after its end, the last value that was reported.',
    path: ['status', 'progress', 'percent'],
    labels: stage,
  },
  {
    name: 'progress_started_timestamp_seconds',
    help: 'When the first report of a stage arrived.',
    path: ['status', 'progress', 'since'],
    labels: stage,
  },
  {
    name: 'progress_silent_since_timestamp_seconds',
    help: 'When the last report arrived, if none has arrived for ten times as long as usual.',
    path: ['status', 'progress', 'silentSince'],
    labels: stage,
  },
  {
    name: 'progress_eta_timestamp_seconds',
    help: 'When a stage will be done, if it continues at its pace.',
    path: ['status', 'progress', 'eta'],
    labels: stage,
  },
  {
    name: 'artifacts_bytes',
    help: 'The size of the last complete result.',
    path: ['status', 'artifacts', 'bytes'],
  },
  {
    name: 'spec_replicas',
    help: 'How many Pods are requested.',
    path: ['spec', 'replicas'],
  },
  {
    name: 'status_replicas',
    help: 'How many Pods exist.',
    path: ['status', 'replicas'],
  },
  {
    name: 'idle_since_timestamp_seconds',
    help: 'When the object last fell asleep.',
    path: ['status', 'idle', 'since'],
  },
  {
    name: 'idle_woken_timestamp_seconds',
    help: 'When it was woken after that. Absent while it sleeps.',
    path: ['status', 'idle', 'woken'],
  },
  {
    name: 'idle_waking_seconds',
    help: 'How many seconds the last wake-up took, until the object was ready.',
    path: ['status', 'idle', 'wakingSeconds'],
  },
]

const isIn = (schema: Schema | undefined, [name, ...rest]: Path): boolean =>
  name === undefined ? schema !== undefined : isIn(schema?.properties?.[name], rest)

const hasField = ({ spec, status }: Kind, [part, ...rest]: Path): boolean =>
  part === 'metadata' || isIn(part === 'spec' ? spec : status, rest)

const gauge = ({ name, help, path, how, labels }: GaugeMetric): StateMetric => ({
  name,
  help,
  ...(labels && { labelsFromPath: labels }),
  each: { type: 'Gauge', gauge: { path, ...how } },
})

const info = ({ references, spec }: Kind): StateMetric => ({
  name: 'info',
  help: 'What the object consists of.',
  each: {
    type: 'Info',
    info: {
      labelsFromPath: {
        image: ['status', 'image'],
        ...Object.fromEntries(references.map(({ field }) => [field, ['spec', field, 'name']])),
        ...(spec.properties?.resources && { gpu: ['spec', 'resources', 'gpu', 'type'] }),
        ...(spec.properties?.runtime && { runtime: ['spec', 'runtime'] }),
      },
    },
  },
})

/**
 * The configuration of kube-state-metrics. The kind is a label of every metric, customresource_kind, so
 * that one alert covers all kinds.
 * https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/extend/customresourcestate-metrics.md
 */
export const customResourceState = (): object => ({
  kind: 'CustomResourceStateMetrics',
  spec: {
    resources: kinds.map((kind) => ({
      groupVersionKind: { group, version, kind: kind.kind },
      metricNamePrefix: 'substratus',
      // Most objects lack some of the fields, which by default is logged as an error at each of their changes.
      errorLogV: 4,
      labelsFromPath: { namespace: ['metadata', 'namespace'], name: ['metadata', 'name'] },
      metrics: [...gauges.filter(({ path }) => hasField(kind, path)).map(gauge), info(kind)],
    })),
  },
})

/** The default presets, for templates/modelservers.yaml: those of the values replace them. */
export const presetMetrics = (): object =>
  Object.fromEntries(
    Object.entries(defaultConfig.servers.presets).flatMap(([name, { image, metrics }]) =>
      metrics ? [[name, { image, metrics }]] : [],
    ),
  )
