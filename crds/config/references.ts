import { choice, choiceOrObject, list, string } from '../schema/builders.ts'

/** What admission does about a Model or Dataset that an object refers to and that does not exist. */

const answers = ['Enforce', 'Warn'] as const

export const references = choiceOrObject(
  'What admission does about a missing Model or Dataset; a string on its own is the value of missing.',
  answers,
  {
    missing: choice(
      'Enforce refuses an object that refers to one; Warn admits it with a warning.',
      answers,
    ),
    warnFor: list(
      'Exact names of users who always get a warning instead, such as tools that apply objects in an order of their own. The list replaces the default. Where spec.serviceAccountName is set, Flux applies as that account.',
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
