import { expect, test } from 'vitest'
import type { Pod } from '../../../hooks/children/manifesttypes.ts'
import { keptPod } from '../../../server/keptpod.ts'

/** What the server retains of a Pod. The tests of the hooks show that it is enough: they use Pods in this form. */

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'it',
    namespace: 'team',
    labels: { 'substratus.ai/stage': 'run' },
    annotations: { 'substratus.ai/params': '{"epochs":1}', 'substratus.ai/adapters': '[]' },
    managedFields: [{ manager: 'kubelet', fieldsV1: { 'f:status': {} } }],
  },
  spec: {
    nodeName: 'one',
    tolerations: [{ key: 'gpu' }],
    containers: [
      {
        name: 'run',
        image: 'example.com/train:1',
        env: [{ name: 'EPOCHS', value: '1' }],
        volumeMounts: [{ name: 'artifacts', mountPath: '/content/artifacts' }],
      },
    ],
  },
  status: {
    phase: 'Running',
    containerStatuses: [{ name: 'run', ready: true, restartCount: 0 }],
  },
} as Pod

test('a Pod is kept as far as the hooks read it', () => {
  expect(keptPod(pod)).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'it',
      namespace: 'team',
      labels: { 'substratus.ai/stage': 'run' },
      annotations: { 'substratus.ai/adapters': '[]' },
    },
    spec: {
      nodeName: 'one',
      containers: [
        {
          name: 'run',
          image: 'example.com/train:1',
          volumeMounts: [{ name: 'artifacts', mountPath: '/content/artifacts' }],
        },
      ],
    },
    status: {
      phase: 'Running',
      containerStatuses: [{ name: 'run', ready: true, restartCount: 0 }],
    },
  })
})

test('of a server’s command line, only what names its model is kept', () => {
  const args = [
    '/content/model',
    '--served-model-name=falcon',
    `--chat-template=${'x'.repeat(1e5)}`,
  ]
  const containers = [
    { name: 'server', command: ['vllm', 'serve'], args },
    { name: 'idle', args: ['-a', 'b'] },
  ]
  const kept = keptPod({ ...pod, spec: { containers } }) as Pod
  expect(kept.spec?.containers).toEqual([
    { name: 'server', args: ['--served-model-name=falcon'] },
    { name: 'idle' },
  ])
})

test('a Pod without a spec and a status stays one', () => {
  const { spec: _, status: __, ...bare } = pod
  expect(keptPod(bare)).toMatchObject({ kind: 'Pod', metadata: { name: 'it' } })
})
