import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { findNodeBinaries } from '../../platform/binaries/find.ts'
import { imageNamed } from '../../platform/node/addresses.ts'
import { type Base, provideBase } from '../../platform/node/images.ts'
import { debian, type Layer } from '../../platform/node/layers.ts'
import { root } from '../../terminal/root.ts'
import { apply, ok } from '../cluster/cluster.ts'
import { extractWheel, wheelsOf } from './wheels.ts'

/** An application in a Pod: OpenAI's own client, with a key that Kubernetes renews. */

const modules = 'usr/local/lib/python3.11/dist-packages'

const openai: Layer = {
  name: 'openai-3.57.0',
  make: async (to) => {
    const folder = await wheelsOf('openai')
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.whl')))
      await extractWheel(join(folder, file), join(to, modules))
  },
}

const image: Base = {
  name: 'base/openai:3',
  layers: [debian, openai],
  flags: ['--cmd', '/usr/bin/python3'],
}

const pod = (account: string, baseUrl: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: account },
  spec: {
    serviceAccountName: account,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'application',
        image: imageNamed(image.name),
        command: ['sleep', 'infinity'],
        env: [{ name: 'OPENAI_BASE_URL', value: baseUrl }],
        volumeMounts: [{ name: 'key', mountPath: '/var/run/gateway' }],
      },
    ],
    volumes: [
      {
        name: 'key',
        projected: {
          sources: [{ serviceAccountToken: { audience: 'substratus.ai/gateway', path: 'key' } }],
        },
      },
    ],
  },
})

const program = readFileSync(join(root, 'test/node/openai/client.py'), 'utf8')

/** Starts the application as a ServiceAccount. */
export async function openaiClient(ns: string, account: string, baseUrl: string) {
  const binaries = await findNodeBinaries({ progress: () => {} })
  const folder = join(inject('cluster').dir, 'node')
  await provideBase(image, { folder, binaries, progress: console.log })
  await apply(ns, JSON.stringify(pod(account, baseUrl)))
  await ok(['-n', ns, 'wait', `pod/${account}`, '--for=condition=Ready', '--timeout=60s'])
  const run = (command: readonly string[], input?: string): Promise<string> =>
    ok(['-n', ns, 'exec', '-i', account, '--', ...command], input)
  await run(['sh', '-c', 'cat >/tmp/client.py'], program)
  return {
    run,
    /** Calls a function of openai/client.py. */
    ask: async <T>(...words: readonly string[]): Promise<T> =>
      JSON.parse(await run(['python3', '/tmp/client.py', ...words])),
  }
}
