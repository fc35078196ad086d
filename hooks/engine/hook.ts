import type { Config } from '../../crds/config.ts'
import type { Kind, Parent } from '../../crds/kind.ts'
import { sentence } from '../../crds/schema/validator.ts'
import type { ChildKind, DeclaredChild } from '../children/childkind.ts'
import { deviceClaims } from '../children/deviceclaim.ts'
import { namespaceOf } from '../children/metadata.ts'
import type {
  Child,
  CustomizeRequest,
  CustomizeResponse,
  SyncRequest,
  SyncResponse,
} from '../observe/protocol.ts'
import { relatedRules } from '../observe/references.ts'
import { statusFaults, trusted } from '../observe/trusted.ts'
import { no } from '../observe/verdict.ts'
import { answerOf, unchanged } from './answer.ts'
import type { Behaviour } from './behaviour.ts'

export interface Hook {
  readonly kind: Kind
  /** Its children by name, for docs/api.md. */
  readonly makes: readonly DeclaredChild[]
  /** The kinds of objects that `sync` may return: exactly those that the controller lists. */
  readonly children: readonly ChildKind[]
  readonly customize: (request: CustomizeRequest) => CustomizeResponse
  /** An error that is our own bug becomes a condition; `report` gets it for the log. */
  readonly sync: (
    request: SyncRequest,
    config: Config,
    report?: (error: unknown) => void,
  ) => SyncResponse
}

/** A kind and its behaviour as Metacontroller's two hooks; pure functions of the request. */
export function hookOf<S, T>(kind: Kind<S, T>, behaviour: Behaviour<S, T>): Hook {
  const children = [...new Set([...behaviour.children.map((child) => child.kind), deviceClaims])]
  const answer = answerOf(kind, behaviour)
  return {
    kind,
    makes: behaviour.children,
    children,
    customize: ({ parent }) => ({ relatedResources: relatedRules(kind, parent) }),
    sync: (untrusted, config, report) => {
      const request = { ...untrusted, parent: trusted(kind, untrusted.parent) }
      try {
        const response = answer(request, config)
        const faults = faultsOf(response, kind, children, request.parent)
        if (faults.length) throw new Error(faults.join('; '))
        return response
      } catch (error) {
        report?.(error)
        const { message } = error instanceof Error ? error : { message: String(error) }
        const response = unchanged(
          request,
          behaviour,
          no('InternalError', `this is a mistake of Substratus, which changes nothing: ${message}`),
        )
        const isOwn = ownChild(children, request.parent)
        return { ...response, children: response.children.filter(isOwn), resyncAfterSeconds: 60 }
      }
    },
  }
}

/** Whether a child may be in an answer: of a kind that the controller lists, in the parent's namespace. */
const ownChild =
  (declared: readonly ChildKind[], parent: Parent) =>
  ({ apiVersion, kind, metadata: { namespace } }: Child): boolean =>
    (namespace === undefined || namespace === namespaceOf(parent)) &&
    declared.some((one) => one.kind === kind && one.apiVersion === apiVersion)

/** What no answer may contain: a child of another kind or namespace, or a status that breaks its schema. */
function faultsOf(
  { children, status }: SyncResponse,
  kind: Kind,
  declared: readonly ChildKind[],
  parent: Parent,
): readonly string[] {
  const isOwn = ownChild(declared, parent)
  return [
    ...children
      .filter((child) => !isOwn(child))
      .map(
        ({ apiVersion, kind: childKind, metadata }) =>
          `${apiVersion} ${childKind} "${metadata.name}" of namespace "${metadata.namespace ?? namespaceOf(parent)}" is no child of ${kind.kind} "${parent.metadata.name}"`,
      ),
    ...statusFaults(kind, status).map(sentence),
  ]
}
