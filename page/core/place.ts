/** What the page shows, as the fragment of its address: it can be kept, and the back button works. */

export interface Place {
  readonly view: 'list' | 'graph' | 'compare'
  /** The object whose details are shown. */
  readonly plural?: string
  readonly name?: string
  /** The second of two that are compared. */
  readonly other?: string
}

const isName = (text: string | undefined): text is string =>
  /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text ?? '')

/** Anything that is no place is the list. */
export function placeOf(hash: string): Place {
  const [root, view, first, second, ...more] = hash.split('/')
  if (root !== '#' || more.length) return { view: 'list' }
  if (view === 'compare')
    return isName(first) && isName(second)
      ? { view, plural: 'models', name: first, other: second }
      : { view: 'list' }
  const known = view === 'graph' ? view : 'list'
  return isName(first) && isName(second)
    ? { view: known, plural: first, name: second }
    : { view: known }
}

export const hashOf = ({ view, plural, name, other }: Place): string =>
  view === 'compare'
    ? `#/compare/${name}/${other}`
    : plural && name
      ? `#/${view}/${plural}/${name}`
      : `#/${view}`
