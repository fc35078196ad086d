/**
 * A kind of object that a hook can return, and its resource at the API server. Each file of this
 * folder that renders a manifest declares the kind of it.
 */
export interface ChildKind {
  readonly apiVersion: string
  readonly kind: string
  readonly resource: string
  /** Not every cluster serves it. A controller lists it as a child only in clusters that do. */
  readonly optional?: true
}

/** A child that one of our kinds declares. */
export interface DeclaredChild {
  readonly kind: ChildKind
  /** For an object called NAME. One of more than 63 characters is shortened, and ends with a hash. */
  readonly name: string
  readonly purpose: string
}
