import { choice, choiceOrObject, list, string } from '../schema/builders.ts'

/** What admission does about a Model or Dataset that an object refers to and that does not exist. */

const answers = ['Enforce', 'Warn'] as const

export const references = choiceOrObject(
  'What admission does about a missing Model or Dataset; a word alone is the value of missing.',
  answers,
  {
    missing: choice('Enforce refuses an object that refers to it; Warn warns.', answers),
    warnFor: list(
      'Users whose objects are never refused for it, by their exact names: tools that apply objects in an order of their own. Flux applies with spec.serviceAccountName, if that is set.',
      string('A user, for instance system:serviceaccount:NAMESPACE:NAME.', { minLength: 1 }),
    ),
  },
)

export interface References {
  readonly missing: (typeof answers)[number]
  readonly warnFor: readonly string[]
}

export const referenceDefaults: References = {
  missing: 'Enforce',
  warnFor: [
    'system:serviceaccount:flux-system:kustomize-controller',
    'system:serviceaccount:flux-system:helm-controller',
    'system:serviceaccount:argocd:argocd-application-controller',
  ],
}
