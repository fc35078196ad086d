import { describe, expect, test } from 'vitest'
import { type Deed, doingOf } from '../../../view/deeds.ts'
import type { Shown } from '../../../view/object.ts'
import { condition, shown } from './shown.ts'

const now = '2026-01-01T00:00:00.000Z'
const done = { conditions: [condition('Complete', 'True Done')] }
const skipped = {
  conditions: [condition('Built', 'True Skipped'), condition('Complete', 'True Skipped')],
}

interface Row {
  readonly deed: Deed
  readonly when: string
  readonly object: Shown
  readonly change?: object
  readonly says: string
}

const rows: readonly Row[] = [
  {
    deed: 'suspend',
    when: 'it runs',
    object: shown('Model', 'm', 'True Done'),
    change: { spec: { suspend: true } },
    says: 'Model "m" is suspended; what it has stored remains: kubectl substratus resume model m resumes it',
  },
  {
    deed: 'suspend',
    when: 'it is suspended',
    object: shown('Model', 'm', 'True Suspended', { suspend: true }),
    says: 'Model "m" is suspended already: kubectl substratus resume model m resumes it',
  },
  {
    deed: 'resume',
    when: 'it is suspended',
    object: shown('Notebook', 'n', 'True Suspended', { suspend: true }),
    change: { spec: { suspend: false } },
    says: 'Notebook "n" is resumed',
  },
  {
    deed: 'resume',
    when: 'it is idle',
    object: shown('ModelServer', 's', 'True Idle'),
    change: { metadata: { annotations: { 'substratus.ai/opened': now } } },
    says: 'ModelServer "s" was idle: it is woken',
  },
  {
    deed: 'resume',
    when: 'it has 0 replicas',
    object: shown('ModelServer', 's', 'True Suspended', { replicas: 0 }),
    says: 'ModelServer "s" is not suspended but has 0 replicas: kubectl scale modelserver s -n default --replicas=1 starts it',
  },
  {
    deed: 'resume',
    when: 'it is not suspended',
    object: shown('Model', 'm', 'True Done'),
    says: 'Model "m" is not suspended',
  },
  {
    deed: 'rerun',
    when: 'it has run',
    object: shown('Model', 'm', 'True Done', {}, done),
    change: { metadata: { annotations: { 'substratus.ai/rerun': now } } },
    says: 'Model "m" runs again from its first stage on: kubectl substratus logs model m -f',
  },
  {
    deed: 'rerun',
    when: 'it is suspended',
    object: shown('Model', 'm', 'True Suspended', { suspend: true }, done),
    change: { metadata: { annotations: { 'substratus.ai/rerun': now } } },
    says: 'Model "m" runs again once it is resumed: kubectl substratus resume model m',
  },
  {
    deed: 'rerun',
    when: 'it is just an image',
    object: shown('Model', 'm', 'True Done', {}, skipped),
    says: 'Model "m" has nothing to run again: it builds nothing, and loads or trains nothing',
  },
  {
    deed: 'rollout',
    when: 'an update is pending',
    object: shown(
      'ModelServer',
      's',
      'True UpdatePending 1 of 1; update pending: image a → b: kubectl annotate --overwrite …',
    ),
    change: { metadata: { annotations: { 'substratus.ai/rollout': now } } },
    says: 'ModelServer "s" is rolled out: 1 of 1; update pending: image a → b',
  },
  {
    deed: 'rollout',
    when: 'the update waits for an adapter',
    object: shown(
      'ModelServer',
      's',
      'True UpdatePending 1 of 1; update pending: waiting for adapter "a", trained on another result: kubectl annotate --overwrite model a …',
    ),
    says: 'ModelServer "s" can be rolled out only later: it waits for adapter "a", trained on another result: kubectl annotate --overwrite model a …',
  },
  {
    deed: 'rollout',
    when: 'none is pending',
    object: shown('ModelServer', 's', 'True Serving 1 of 1'),
    says: 'ModelServer "s" has no update pending: nothing to roll out',
  },
  {
    deed: 'rollout',
    when: 'it is a Model',
    object: shown('Model', 'm', 'True Done'),
    says: 'Model "m" has no Pods to replace: only a ModelServer is rolled out',
  },
  {
    deed: 'rollout',
    when: 'it is a Notebook',
    object: shown('Notebook', 'n', 'True UpdatePending'),
    says: 'Notebook "n" takes a new Pod template when it starts again: kubectl substratus suspend notebook n, then kubectl substratus resume notebook n',
  },
]

describe('what a command changes and says', () => {
  test.each(rows)('$deed, when $when', ({ deed, object, change, says }) => {
    const doing = doingOf(deed, object, now)
    expect('change' in doing ? doing.change : undefined).toEqual(change)
    expect(Object.values(doing).at(-1)).toBe(says)
  })
})

test('before the first sync a rerun is possible: its stages are not known', () => {
  expect(doingOf('rerun', shown('Model', 'm'), now)).toHaveProperty('change')
})
