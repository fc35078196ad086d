import { defaultConfig } from '../crds/config.ts'
import { group, type Kind, version } from '../crds/kind.ts'
import { kinds } from '../crds/kinds.ts'

/** What the chart's monitoring reads from the kinds and the presets. */

/** A metric of kube-state-metrics, with the paths of its labels. */
interface StateMetric {
  readonly name: string
  readonly help: string
  readonly each: object
}

const gauge = (name: string, help: string, how: object): StateMetric => ({
  name,
  help,
  each: { type: 'Gauge', gauge: how },
})

const condition = gauge(
  'condition',
  'Conditions of the object: 1 is True, 0 is False or Unknown.',
  {
    path: ['status', 'conditions'],
    labelsFromPath: { type: ['type'], reason: ['reason'] },
    valueFrom: ['status'],
  },
)

const suspended = gauge('suspended', 'Whether spec.suspend is true.', {
  path: ['spec', 'suspend'],
  nilIsZero: true,
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
      labelsFromPath: { namespace: ['metadata', 'namespace'], name: ['metadata', 'name'] },
      metrics: [condition, suspended, info(kind)],
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
