import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Sent } from '../../ui/wire.ts'

/** Objects for the page, as the local part sends them. */

export type Given = Readonly<Record<string, readonly Sent[]>>

export const condition = (type: string, status: string, reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-11-27T10:00:00Z',
})
/** So that pictures are the same on every day. */
export const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString()

interface Fields {
  readonly spec?: object
  readonly status?: object
  readonly ready?: string
}
export const thing = (kind: string, name: string, { spec = {}, status, ready }: Fields = {}) => {
  const [, holds = 'True', reason = 'Done', message = 'done'] =
    /^(\S+) (\S+): (.*)$/.exec(ready ?? '') ?? []
  return {
    apiVersion: 'substratus.ai/v1',
    kind,
    metadata: { name, uid: `${kind}-${name}`, creationTimestamp: ago(3600) },
    spec,
    status: { conditions: [condition('Ready', holds, reason, message)], ...status },
  }
}

export const labelsOf = (name: string) => ({
  'substratus.ai/kind': 'model',
  'substratus.ai/name': name,
  'substratus.ai/stage': 'run',
})

/** The Pod of a Model's run. */
export const podOf = (model: string) =>
  ({
    metadata: {
      name: `${model.slice(0, 240)}-run-1`,
      uid: `pod of ${model}`,
      labels: labelsOf(model),
    },
    spec: { nodeName: 'gpu-7', containers: [{ name: 'run' }] },
  }) as Sent

const curve = (...values: readonly number[]) => [
  { metric: 'loss', over: 'step', at: values.map((_, at) => at * 10), values },
]
export const progress = (...values: readonly number[]) => ({
  job: 'run',
  stage: 'run',
  percent: 45,
  step: 450,
  of: 1000,
  message: 'epoch 2',
  metrics: { loss: String(values.at(-1)) },
  curve: curve(...values),
})

/** The objects of the docs’ pictures: a team that trains a second time, and serves. */
export function pictured(): Given {
  const labels = (stage: string) => ({
    'substratus.ai/kind': 'model',
    'substratus.ai/name': 'support',
    'substratus.ai/stage': stage,
  })
  const job = (
    stage: string,
    status: { readonly startTime: string; readonly [field: string]: unknown },
  ) => ({
    metadata: {
      name: `support-model-${stage}-0a1b2c3d`,
      uid: stage,
      creationTimestamp: status.startTime,
      labels: labels(stage),
    },
    status,
  })
  const losses = (pace: number) =>
    Array.from({ length: 40 }, (_, at) => 0.4 + 2 / (1 + at / pace) + (at % 3) / 30)
  const trained = (learningRate: number) => ({
    image: 'registry.example.com/team/train:1f2e3d4c',
    model: { name: 'qwen' },
    dataset: { name: 'tickets' },
    params: { epochs: 3, learning_rate: learningRate },
  })
  return {
    datasets: [thing('Dataset', 'tickets', { ready: 'True Done: 2 files of 48 MiB' })],
    models: [
      thing('Model', 'qwen', { spec: { source: 'hf://Qwen/Qwen2.5-7B-Instruct' } }),
      thing('Model', 'support', {
        spec: trained(0.0002),
        ready: 'False Running: epoch 2 of 3',
        status: {
          conditions: [
            condition('Ready', 'False', 'Running', 'epoch 2 of 3'),
            condition('Built', 'True', 'Done', 'registry.example.com/team/support:1f2e3d4c'),
            condition('Complete', 'False', 'Running', 'epoch 2 of 3'),
          ],
          progress: { ...progress(...losses(4)), metrics: { loss: '0.51' } },
        },
      }),
      thing('Model', 'support-slow', {
        spec: trained(0.00005),
        status: {
          progress: { ...progress(...losses(9)), percent: 100, metrics: { loss: '0.72' } },
          artifacts: { id: 'sha256:5e12efd8a351' },
        },
      }),
      thing('Model', 'embedder', { spec: { source: 'hf://BAAI/bge-m3' } }),
    ],
    modelservers: [
      thing('ModelServer', 'support', {
        spec: { model: { name: 'support' } },
        ready: 'False Waiting: waiting for Model "support": Running',
      }),
      thing('ModelServer', 'chat', {
        spec: { model: { name: 'qwen' } },
        ready: 'True Serving: http://chat-server:8080',
      }),
      thing('ModelServer', 'embed', {
        spec: { model: { name: 'embedder' } },
        ready: 'True Idle: idle for 1h',
      }),
    ],
    notebooks: [
      thing('Notebook', 'explore', {
        spec: { model: { name: 'qwen' }, dataset: { name: 'tickets' } },
        ready: 'False Failed: the image has no program',
        status: {
          conditions: [
            condition('Ready', 'False', 'ImagePullFailed', 'not found'),
            condition('Stalled', 'True', 'ImagePullFailed', 'not found'),
          ],
        },
      }),
    ],
    jobs: [
      job('build', {
        startTime: ago(1660),
        completionTime: ago(1410),
        conditions: [{ type: 'Complete', status: 'True' }],
      }),
      job('run', { startTime: ago(1410), active: 1 }),
    ],
    pods: [
      {
        metadata: {
          name: 'support-model-run-0a1b2c3d-x7k2p',
          uid: 'pod of run',
          creationTimestamp: ago(1410),
          labels: labels('run'),
        },
        spec: { nodeName: 'gpu-7', containers: [{ name: 'run' }] },
        status: { phase: 'Running' },
      } as Sent,
    ],
  }
}

/** What the training of the docs’ pictures has written. */
export const logOfTraining = [
  'loading /content/model: 7.6 B parameters, LoRA of rank 16',
  'loading /content/data: 41,208 conversations',
  ...Array.from(
    { length: 46 },
    (_, at) => `step ${at * 10 + 10}/1000  loss ${(0.4 + 2 / (1 + at / 4)).toFixed(3)}`,
  ),
  '',
].join('\n')

/** What the server of the docs’ pictures answers. */
export function answerOfChat(req: IncomingMessage, res: ServerResponse): void {
  req.resume()
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  const says =
    'A Pod is the smallest thing that Kubernetes runs: one or more containers that are started together on one node, and share its network address and storage.'
  for (const content of says.split(/(?= )/))
    res.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
  res.end('data: [DONE]\n\n')
}
