import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { down } from '../../../platform/down.ts'
import { claim } from '../../../platform/state.ts'

afterEach(() => vi.unstubAllEnvs())

test.each([
  { kubeconfig: 'admin.kubeconfig', says: true },
  { kubeconfig: '../config', says: false },
])(
  'down says that KUBECONFIG=DIR/$kubeconfig names a removed file: $says',
  async ({ kubeconfig, says }) => {
    const dir = mkdtempSync(join(tmpdir(), 'down-'))
    claim(dir)
    vi.stubEnv('KUBECONFIG', join(dir, kubeconfig))
    const written: string[] = []
    await down({ dir, output: { write: (text) => written.push(text) } })
    expect(written).toEqual([
      `ended 0 processes and removed ${dir}\n`,
      ...(says ? ['KUBECONFIG named a file in it: unset KUBECONFIG\n'] : []),
    ])
  },
)
