import { describe, expect, test } from 'vitest'
import { mergedPods } from '../../../crds/podmerge.ts'
import type { PodFields } from '../../../crds/podtemplate.ts'

const merges: readonly {
  readonly what: string
  readonly below: PodFields
  readonly above: PodFields
  readonly both: PodFields
}[] = [
  {
    what: 'maps are merged key by key',
    below: { nodeSelector: { pool: 'a', zone: 'b' }, labels: { team: 'a' } },
    above: { nodeSelector: { pool: 'c' }, annotations: { owner: 'x' } },
    both: {
      nodeSelector: { pool: 'c', zone: 'b' },
      labels: { team: 'a' },
      annotations: { owner: 'x' },
    },
  },
  {
    what: 'tolerations are added, each once',
    below: { tolerations: [{ key: 'a', operator: 'Exists' }, { key: 'b' }] },
    above: { tolerations: [{ operator: 'Exists', key: 'a' }, { key: 'c' }] },
    both: {
      tolerations: [{ key: 'b' }, { operator: 'Exists', key: 'a' }, { key: 'c' }],
    },
  },
  {
    what: 'a kind of affinity is replaced whole',
    below: { affinity: { nodeAffinity: {}, podAffinity: {} } },
    above: {
      affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] } },
    },
    both: {
      affinity: {
        nodeAffinity: {},
        podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] },
      },
    },
  },
  {
    what: 'the user and the groups are merged field by field',
    below: { securityContext: { runAsUser: 1, fsGroup: 2 } },
    above: { securityContext: { runAsUser: 3 } },
    both: { securityContext: { runAsUser: 3, fsGroup: 2 } },
  },
  {
    what: 'volumes by their name, and mounts by their path',
    below: {
      volumes: [{ name: 'a', emptyDir: {} }],
      container: { volumeMounts: [{ name: 'a', mountPath: '/a' }] },
    },
    above: {
      volumes: [
        { name: 'a', emptyDir: { medium: 'Memory' } },
        { name: 'b', emptyDir: {} },
      ],
      container: { volumeMounts: [{ name: 'b', mountPath: '/a' }] },
    },
    both: {
      volumes: [
        { name: 'a', emptyDir: { medium: 'Memory' } },
        { name: 'b', emptyDir: {} },
      ],
      container: { volumeMounts: [{ name: 'b', mountPath: '/a' }] },
    },
  },
  {
    what: 'limits by resource, and a probe whole',
    below: {
      container: {
        resources: { limits: { memory: '1Gi', cpu: 1 } },
        livenessProbe: { httpGet: { port: 1 }, periodSeconds: 5 },
      },
    },
    above: {
      container: {
        resources: { limits: { cpu: 2 } },
        livenessProbe: { httpGet: { port: 2 } },
      },
    },
    both: {
      container: {
        resources: { limits: { memory: '1Gi', cpu: 2 } },
        livenessProbe: { httpGet: { port: 2 } },
      },
    },
  },
  {
    what: 'a single value is replaced',
    below: { priorityClassName: 'low', terminationGracePeriodSeconds: 30 },
    above: { priorityClassName: 'high' },
    both: { priorityClassName: 'high', terminationGracePeriodSeconds: 30 },
  },
]

describe('what the object says wins over the configuration', () => {
  test.each(merges)('$what', ({ below, above, both }) => {
    expect(mergedPods(below, above)).toEqual(both)
  })

  test('one of them alone stays as it is', () => {
    expect(mergedPods(undefined, { priorityClassName: 'a' })).toEqual({ priorityClassName: 'a' })
    expect(mergedPods({ priorityClassName: 'a' }, undefined)).toEqual({ priorityClassName: 'a' })
    expect(mergedPods(undefined, undefined)).toEqual({})
  })
})
