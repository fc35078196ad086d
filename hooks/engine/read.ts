import type { Config } from '../../crds/config.ts'
import type { Kind, Parent } from '../../crds/kind.ts'
import { type Memory, memoryOf } from '../observe/memory.ts'
import { type Observed, observedIn } from '../observe/observed.ts'
import type { SyncRequest } from '../observe/protocol.ts'
import {
  type AdapterReference,
  adaptersOf,
  basesOf,
  type References,
  referencesOf,
} from '../observe/references.ts'
import type { Reporting } from '../progress/address.ts'
import type { ReportsByJob } from '../progress/progress.ts'
import { imageVolumesOf } from './imagevolumes.ts'

/** A sync request, parsed once: everything that a decision may depend on. */
export interface Facts<S = unknown> {
  /** The object, valid and with the defaults of its kind. */
  readonly parent: Parent<S>
  readonly config: Config
  /** The Models and Datasets that the spec names, by their role in crds/: base, model, data. */
  readonly references: References
  /** The Models in spec.adapters. */
  readonly adapters: readonly AdapterReference[]
  /** The base, its base and so on, for kinds that have one. */
  readonly bases: readonly string[] | undefined
  /** The observed children and Pods. */
  readonly observed: Observed
  /** What earlier answers recorded in the status. */
  readonly memory: Memory
  /** Where work reports its progress, if anywhere. */
  readonly reporting: Reporting | undefined
  /** The last report of each attempt, by the name of its Job. */
  readonly reports: ReportsByJob | undefined
  /** The time of the request, for conditions. */
  readonly now: string | undefined
}

export function read<S>(
  kind: Kind<S>,
  parent: Parent<S>,
  request: SyncRequest,
  config: Config,
): Facts<S> {
  const observed = observedIn(request)
  return {
    parent,
    config: { ...config, imageVolumes: imageVolumesOf(parent, request.nodes, observed, config) },
    references: referencesOf(kind, parent, request.related, config),
    adapters: adaptersOf(kind, parent, request.related, config),
    bases: basesOf(kind, parent, request.related),
    observed,
    memory: memoryOf(parent),
    reporting: request.reporting,
    reports: request.reports,
    now: request.now,
  }
}
