import { alike } from '../../crds/names.ts'
import type { PodTemplate, Workload } from '../children/manifesttypes.ts'
import { deploymentAnnotations, requestedRollout } from '../children/metadata.ts'
import { lastTemplate } from '../observe/applied.ts'
import { type TemplateIdentity, templateIdentityOf } from '../observe/memory.ts'
import { hasAvailablePod, intactTemplate } from '../observe/workload.ts'
import type { Facts } from './read.ts'
import { changesBetween } from './templatechanges.ts'

/**
 * Whether a Deployment gets the current template:
 *
 *     the object, what it serves, or substratus.ai/rollout has changed ──▶ at once
 *     no Pod of the applied template is available                      ──▶ at once
 *     only the configuration or the version has changed                ──▶ pending
 *
 * While a template is pending, the applied one is emitted again. A Deployment without the hash was
 * created by an earlier version, and is adopted as it is if that version served the current spec with
 * it.
 */
export interface Settled {
  readonly workload: Workload
  /** What the current template would change, if it is pending. */
  readonly pending: readonly string[]
}

export function settled(
  facts: Facts,
  wanted: Workload,
  existing: Workload | undefined,
  inputs: string,
): Settled {
  const before = existing ? templateIdentityOf(existing) : {}
  const requested = requestedRollout(facts.parent)
  const template = wanted.spec?.template
  const last = existing && lastTemplate(existing)
  const isCurrent = last !== undefined && alike(last, template)
  const retained =
    existing && !isCurrent && isForThem(facts, before, inputs, requested)
      ? retainable(facts, wanted, existing)
      : undefined
  const workload = retained ? { ...wanted, spec: { ...wanted.spec, template: retained } } : wanted
  const rollout = requested ?? before.rollout
  const isChanged = last !== undefined && !isCurrent && !retained
  return {
    pending: retained && template ? changesBetween(retained, template) : [],
    workload: withAnnotations(workload, {
      [deploymentAnnotations.inputs]: inputs,
      ...(rollout && { [deploymentAnnotations.rollout]: rollout }),
      [deploymentAnnotations.generation]: String(generationOf(existing, before, isChanged)),
    }),
  }
}

/** Whether the applied template was made for these inputs. */
const isForThem = (
  facts: Facts,
  before: TemplateIdentity,
  inputs: string,
  requested: string | undefined,
): boolean =>
  before.inputs === undefined
    ? isServedSpec(facts)
    : before.inputs === inputs && (requested === undefined || requested === before.rollout)

/**
 * Whether the last hook response was for the current spec, and nothing blocked serving it. Otherwise
 * the applied template belongs to an earlier spec, which may name a different Model.
 */
function isServedSpec({ parent, memory: { conditions } }: Facts): boolean {
  const of = (wanted: string) => conditions.find(({ type }) => type === wanted)
  const ready = of('Ready')
  if (!ready) return true
  const isSeen = ready.observedGeneration === parent.metadata.generation
  return isSeen && ready.status === of('Serving')?.status
}

function retainable(
  { config, observed }: Facts,
  wanted: Workload,
  existing: Workload,
): PodTemplate | undefined {
  if (config.rollout === 'Always' || !wanted.spec?.replicas) return undefined
  return hasAvailablePod(existing, observed) ? intactTemplate(existing) : undefined
}

/**
 * The Deployment's generation that brings in its template: the next one, if this response changes what
 * was last applied. Edits of the Deployment since then do not count: a value that rose with each
 * response would never settle.
 */
function generationOf(
  existing: Workload | undefined,
  before: TemplateIdentity,
  isChanged: boolean,
): number {
  if (!existing) return 1
  const { generation = 1 } = existing.metadata
  return isChanged ? generation + 1 : (before.generation ?? generation)
}

const withAnnotations = (
  workload: Workload,
  annotations: Readonly<Record<string, string>>,
): Workload => {
  const { metadata } = workload
  return {
    ...workload,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } },
  }
}
