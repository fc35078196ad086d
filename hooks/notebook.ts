import { Notebook, type NotebookSpec } from '../crds/notebook.ts'
import { claims } from './children/claim.ts'
import type { Workload } from './children/manifesttypes.ts'
import { notebookName } from './children/metadata.ts'
import { denyIngress, networkPolicies } from './children/networkpolicy.ts'
import { service, services } from './children/service.ts'
import { statefulSet, statefulSets } from './children/statefulset.ts'
import { hookOf } from './engine/hook.ts'
import { idlenessOf, idleVerdict } from './engine/idleness.ts'
import type { Facts } from './engine/read.ts'
import type { Beside, ServeStage } from './engine/stage.ts'
import type { ObservedPod } from './observe/observed.ts'
import { formerPod, isTerminating, servingFault } from './observe/servingpods.ts'
import { unheard } from './observe/silence.ts'
import { no, type Verdict, yes } from './observe/verdict.ts'
import { knowsTemplate } from './observe/workload.ts'
import { notebookImage, notebookPod, notebookPort } from './pod/notebookpod.ts'
import { withPodFields } from './pod/podfields.ts'
import { claimOf, shrinkNote } from './storage/pvc.ts'
import { buildJob, buildStage } from './work/build.ts'

/**
 * A Notebook is built and serves:
 *
 *     build ──▶ serve ──▶ Ready
 *
 * A StatefulSet of one Pod runs Jupyter on port 8888 with its home on a claim that survives suspend.
 * Port-forwarding is the only access: a NetworkPolicy denies the rest.
 */
export const notebook = hookOf(Notebook, {
  children: [
    buildJob('notebook'),
    { kind: statefulSets, name: 'NAME-notebook', purpose: 'Jupyter, in one Pod.' },
    { kind: services, name: 'NAME-notebook', purpose: 'Port 8888 (`http`).' },
    { kind: networkPolicies, name: 'NAME-notebook', purpose: 'Denies all ingress to the Pod.' },
    { kind: claims, name: 'NAME-notebook-home', purpose: 'The home.' },
  ],
  stages: (facts) => [
    buildStage(facts, 'the image is given, or the administrator’s'),
    serve(facts),
  ],
  claims: ({ parent, observed, config }) => [{ claim: claimOf(parent, observed, config) }],
  beside,
  status: (facts, records) => {
    const image = notebookImage(facts, records)
    const { remembered } = idlenessOf(facts, workloadOf(facts))
    return { ...(image && { image }), ...(remembered && { idle: remembered }) }
  },
  done: () => yes('Serving', 'serving'),
})

type NotebookFacts = Facts<NotebookSpec>

const workloadOf = ({ parent, observed }: NotebookFacts): Workload | undefined =>
  observed.child('StatefulSet', notebookName(parent))

function beside(parent: NotebookFacts['parent']): Beside {
  const name = notebookName(parent)
  return () => [service(parent, name, notebookPort, notebookPort, true), denyIngress(parent, name)]
}

function serve(facts: NotebookFacts): ServeStage {
  const { parent, references, config } = facts
  const name = notebookName(parent)
  const workload = workloadOf(facts)
  const idleness = idlenessOf(facts, workload)
  const replicas = parent.spec.suspend || idleness.isIdle ? 0 : 1
  return {
    does: 'serve',
    condition: 'Serving',
    needs: [references.model, references.data],
    refuse: undefined,
    asleep: asleep(facts, idleness.isIdle),
    workload,
    replicas,
    annotations: idleness.annotations,
    wanted: (records) =>
      statefulSet(
        parent,
        name,
        replicas,
        withPodFields(notebookPod(facts, records), 'notebook', parent, config),
      ),
    beside: beside(parent),
    verdict: (existing, emitted) => verdictOf(facts, existing, emitted, idleness.isIdle),
  }
}

function verdictOf(
  facts: NotebookFacts,
  existing: Workload,
  emitted: Workload | undefined,
  isIdle: boolean,
): Verdict {
  const stopped = asleep(facts, isIdle)
  if (stopped) return stopped
  const pods = facts.observed.pods('serve')
  const outdated = outdatedPod(pods, existing, emitted)
  return existing.status?.readyReplicas
    ? answering(facts, existing, outdated)
    : notAnswering(facts, existing, outdated)
}

function asleep(facts: NotebookFacts, isIdle: boolean): Verdict | undefined {
  if (facts.parent.spec.suspend) return no('Suspended', 'spec.suspend is true; the home is kept')
  return isIdle ? idleVerdict(facts, '; the home is kept') : undefined
}

/** The name of the running Pod, if its template is older than the present one. */
function outdatedPod(
  pods: readonly ObservedPod[],
  existing: Workload,
  emitted: Workload | undefined,
): string | undefined {
  const pod = pods.find((one) => !isTerminating(one))
  if (!pod) return undefined
  const { updateRevision } = existing.status ?? {}
  const revision = pod.metadata.labels?.['controller-revision-hash']
  const isOld = (updateRevision && revision !== updateRevision) || !knowsTemplate(existing, emitted)
  return isOld ? pod.metadata.name : undefined
}

function notAnswering(
  { observed }: NotebookFacts,
  existing: Workload,
  outdated: string | undefined,
): Verdict {
  if (observed.podsSilentSince) return unheard(observed.podsSilentSince)
  const pods = observed.pods('serve')
  const none =
    formerPod(pods, 'stops') ??
    `no Pod yet: kubectl describe statefulset ${existing.metadata.name} says why`
  const refusal = observed.refusal(existing)
  const { reason, message } = servingFault(pods, none, refusal)
  return no(
    reason,
    outdated ? `${message}; kubectl delete pod ${outdated} takes the changed spec` : message,
  )
}

function answering(
  { parent, observed, config }: NotebookFacts,
  { metadata }: Workload,
  outdated: string | undefined,
): Verdict {
  const note = shrinkNote(parent, observed, config)
  return outdated
    ? yes(
        'UpdatePending',
        `runs with an older spec, so that no kernel is killed: kubectl delete pod ${outdated} restarts it${note}`,
      )
    : yes('Serving', `kubectl port-forward svc/${metadata.name} ${notebookPort}${note}`)
}
