/** What the local part and the page say to each other, as JSON. */

/** A kind, as far as the page needs it. */
export interface PageKind {
  readonly kind: string
  readonly plural: string
  readonly singular: string
  /** Fields with `{name}`, or with a list of them. */
  readonly references: readonly { readonly field: string; readonly kind: string }[]
}

/** Answers `GET /api/session`. */
export interface Session {
  readonly namespace: string
  readonly context: string
  /** In the order in which data passes through them. */
  readonly kinds: readonly PageKind[]
}

/** What the page sees of the cluster: the four kinds by their plurals, and what belongs to them. */
export type Resource = string

/** An object as it is sent; every one has a name. */
export interface Sent {
  readonly metadata: { readonly name: string; readonly uid?: string }
}

/** One line of `GET /api/objects`, which never ends. */
export type Line =
  /** The first line. What was known before counts no more. */
  | { readonly is: 'start'; readonly resources: readonly Resource[] }
  /** New and changed objects, and the names of deleted ones; empty: the list is known, and empty. */
  | {
      readonly is: 'objects'
      readonly resource: Resource
      readonly put: readonly Sent[]
      readonly gone: readonly string[]
    }
  /** The resource cannot be read, and why; without a message it can be read again. */
  | { readonly is: 'trouble'; readonly resource: Resource; readonly message?: string }

/** A request that was refused, by the local part or by the API server, which sends more fields. */
export interface Status {
  readonly kind: 'Status'
  readonly code: number
  readonly message: string
}
