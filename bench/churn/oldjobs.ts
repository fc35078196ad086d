import { Agent, type RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { create, exchange } from '../../cluster/exchange.ts'
import { apiVersion, type Parent } from '../../crds/kind.ts'
import { hash } from '../../crds/names.ts'
import type { Child } from '../../hooks/observe/protocol.ts'
import { applied, childrenOf, sync } from '../../test/objects.ts'
import { byClients, collectionOf } from '../simulated/creations.ts'

/** Finished Jobs of a Model for earlier specs. */

/** Creates them as Metacontroller and the Job controller leave them, and none of them ever has a Pod. */
export async function createOldJobs(
  config: KubeConfig,
  parent: Parent,
  numbers: readonly number[],
): Promise<void> {
  const path = collectionOf('batch/v1', parent.metadata.namespace ?? '', 'jobs')
  const job = jobOf(parent)
  const replace = await replacer(config)
  await byClients(numbers, async (number) => {
    const old = oldJob(job, parent, number)
    await create(config, path, old)
    await replace(`${path}/${old.metadata.name}/status`, { ...old, status: complete })
  })
}

/** The Job that our hook makes for a Model, with the annotation of Metacontroller. */
function jobOf(parent: Parent): Child {
  const answer = sync(parent)
  const [job] = applied({ ...answer, children: childrenOf(answer, 'Job') })
  if (!job) throw new Error('the Model gets no Job')
  return job
}

const complete = {
  startTime: '2026-01-01T00:00:00Z',
  completionTime: '2026-01-01T01:00:00Z',
  succeeded: 1,
  conditions: ['SuccessCriteriaMet', 'Complete'].map((type) => ({
    type,
    status: 'True',
    reason: 'CompletionsReached',
    lastTransitionTime: '2026-01-01T01:00:00Z',
  })),
}

function oldJob({ metadata, ...job }: Child, parent: Parent, number: number): Child {
  const attempt = hash(['attempt', number])
  const { name, uid, namespace } = parent.metadata
  return {
    ...job,
    metadata: {
      name: metadata.name.replace(/[0-9a-f]{8}$/, attempt.slice(0, 8)),
      ...(namespace && { namespace }),
      labels: { ...metadata.labels, 'controller-uid': uid ?? '' },
      annotations: {
        ...metadata.annotations,
        'substratus.ai/inputs': hash(['inputs', number]),
        'substratus.ai/attempt': attempt,
      },
      ...ownedBy(name, uid),
    },
    // The Job controller must not start it before its status says that it is over.
    spec: { ...job.spec, suspend: true },
  }
}

const ownedBy = (name: string, uid: string | undefined) => ({
  ownerReferences: [
    { apiVersion, kind: 'Model', name, uid, controller: true, blockOwnerDeletion: true },
  ],
})

/** Replaces objects, whatever version of them there is, over connections that are used again. */
async function replacer(config: KubeConfig): Promise<(path: string, object: Child) => unknown> {
  const options: RequestOptions = { method: 'PUT' }
  await config.applyToHTTPSOptions(options)
  const agent = new Agent({ ...(options.agent as Agent).options, keepAlive: true, maxSockets: 20 })
  const { server } = config.getCurrentCluster() ?? {}
  return (path, object) => exchange(`${server}${path}`, { ...options, agent }, object)
}
