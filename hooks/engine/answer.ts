import type { Config } from '../../crds/config.ts'
import { fill } from '../../crds/fill.ts'
import type { Kind, Parent } from '../../crds/kind.ts'
import { validatorOf, visible } from '../../crds/objectvalidator.ts'
import { checkRules } from '../../crds/rules.ts'
import { type FieldError, sentence } from '../../crds/schema/validator.ts'
import { asApplied } from '../observe/applied.ts'
import { readyConditions } from '../observe/conditions.ts'
import { memoryOf } from '../observe/memory.ts'
import { observedIn } from '../observe/observed.ts'
import type { SyncRequest, SyncResponse } from '../observe/protocol.ts'
import { no, type Verdict } from '../observe/verdict.ts'
import { assemble } from './assemble.ts'
import type { Behaviour } from './behaviour.ts'
import { decide } from './decide.ts'
import type { Decision } from './fate.ts'
import { read } from './read.ts'
import { retainedJob, retainedServing } from './retained.ts'
import { isReleased } from './withdrawn.ts'

/**
 * A sync request becomes its response:
 *
 *     request ──read──▶ facts ──decide──▶ fates ──assemble──▶ response
 *
 * Nothing changes for an object that admission would have refused.
 */
export function answerOf<S, T>(kind: Kind<S, T>, behaviour: Behaviour<S, T>) {
  const validate = validatorOf(kind)
  return (request: SyncRequest, config: Config): SyncResponse => {
    const parent = fill(kind, request.parent)
    const wrong = validate(visible(parent))
    const errors = [...wrong, ...checkRules(parent, config, wrong)]
    const refused = () =>
      unchanged(
        request,
        behaviour,
        no('InvalidSpec', errors.map(sentence).join('; ')),
        observedIn(request),
      )
    if (wrong.length || !errors.every(isAboutPods)) return refused()

    const facts = read(kind, parent as Parent<S>, request, config)
    const decision = decide(behaviour, facts)
    return errors.length && !isFinished(decision) ? refused() : assemble(behaviour, facts, decision)
  }
}

/**
 * Whether an error concerns only Pods that are yet to be made. spec.pod is part of no result, so a finished
 * object stays Ready when the administrator narrows podFields.
 */
const isAboutPods = ({ field }: FieldError): boolean => field.startsWith('spec.pod.')

const isFinished = ({ stages, blockedBy }: Decision): boolean =>
  !blockedBy && stages.every(({ does }) => does === 'work')

/**
 * Every child and every record as before. This is the response to an invalid spec, and to a bug of
 * ours: after a 500, Metacontroller would wait for up to 1,000 s.
 */
export function unchanged<S, T>(
  request: SyncRequest,
  { beside = () => () => [] }: Pick<Behaviour<S, T>, 'beside'>,
  ready: Verdict,
  // Reading the related objects may be what failed.
  observed = observedIn({ ...request, related: {} }),
): SyncResponse {
  const { parent, now } = request
  const memory = memoryOf(parent)
  const { conditions: before } = memory
  const others = before.filter(({ type }) => type !== 'Ready' && type !== 'Stalled')
  return {
    status: {
      ...(parent.status ?? {}),
      ready: false,
      conditions: [...readyConditions({ parent, before, now }, ready), ...others],
    },
    children: [
      ...observed.children
        .filter((child) => !observed.serving.includes(child))
        .filter((child) => child.kind !== 'Job' || !isReleased(child, parent, observed))
        .map((child) =>
          child.kind === 'Job' ? retainedJob(child, { parent, memory }) : asApplied(child),
        ),
      ...retainedServing(parent, observed, beside(parent as Parent<S>, observed)),
    ],
  }
}
