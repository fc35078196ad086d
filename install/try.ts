import { setTimeout as sleep } from 'node:timers/promises'
import { ApiException, CustomObjectsApi } from '@kubernetes/client-node'
import { kubeConfigOf } from '../cluster/kubeconfig.ts'
import { apiVersion, group, type KindName, type Parent, version } from '../crds/kind.ts'
import { kindNamed } from '../crds/kinds.ts'
import type { Condition } from '../crds/status.ts'
import { onOneLine } from '../crds/text.ts'

interface Options {
  readonly namespace: string
  readonly kubeconfig?: string
  /** How long the hooks may take, in seconds. */
  readonly timeout: number
}

/** Objects to create, suspended so that nothing runs, and ordered by their references. */
const specs: readonly (readonly [KindName, object])[] = [
  ['Dataset', { source: 'https://example.com/data' }],
  ['Model', { image: 'example.com/model' }],
  ['ModelServer', { model: { name: 'try' } }],
  ['Notebook', { model: { name: 'try' }, dataset: { name: 'try' } }],
]

/**
 * The command of `helm test`: it creates a suspended object of each kind and waits for the hooks, and
 * one object that admission must refuse. It deletes all of them.
 */
export async function tryCommand({ namespace, kubeconfig, timeout }: Options): Promise<number> {
  const kubeConfig = kubeConfigOf(kubeconfig || 'in-cluster')
  const api = kubeConfig.makeApiClient(CustomObjectsApi)
  const at = (kind: KindName) => ({ group, version, namespace, plural: kindNamed(kind).plural })
  const create = (kind: KindName, name: string, spec: object) =>
    api.createNamespacedCustomObject({
      ...at(kind),
      body: { apiVersion, kind, metadata: { name }, spec: { ...spec, suspend: true } },
    })
  const remove = (kind: KindName, name: string) =>
    api.deleteNamespacedCustomObject({ ...at(kind), name }).catch((error: unknown) => {
      if (!(error instanceof ApiException && error.code === 404)) throw error
    })
  const lines: string[] = []
  let failed = 0
  const result = (ok: boolean, what: string) => {
    if (!ok) failed++
    lines.push(`${ok ? 'ok     ' : 'FAILED '} ${onOneLine(what)}`)
  }

  try {
    result(
      ...(await refused(() =>
        create('Model', 'try-refused', {
          image: 'example.com/model',
          dataset: { name: 'try-none' },
        }),
      )),
    )
    for (const [kind, spec] of specs) {
      const made = await create(kind, 'try', spec).then(() => '', messageOf)
      if (made) result(false, `${kind}: ${made}`)
    }
    for (const [kind] of specs) {
      const end = Date.now() + timeout * 1000
      let ready: Condition | undefined
      while (!ready && Date.now() < end) {
        const found = (await api
          .getNamespacedCustomObject({ ...at(kind), name: 'try' })
          .catch(() => undefined)) as Parent | undefined
        ready = (
          found?.status as { conditions?: readonly Condition[] } | undefined
        )?.conditions?.find(({ type }) => type === 'Ready')
        if (!ready) await sleep(500)
      }
      result(
        ready !== undefined,
        ready
          ? `${kind}: the hooks said: ${ready.reason}: ${ready.message}`
          : `${kind}: no hook has answered within ${timeout} s: does Metacontroller run, and what does it log?`,
      )
    }
  } finally {
    await remove('Model', 'try-refused')
    for (const [kind] of specs.toReversed()) await remove(kind, 'try')
  }
  console.log(lines.join('\n'))
  return failed ? 1 : 0
}

const messageOf = (error: unknown): string => {
  if (!(error instanceof ApiException)) return String(error)
  const { body } = error as ApiException<unknown>
  try {
    return (JSON.parse(String(body)) as { message: string }).message
  } catch {
    return String(body)
  }
}

/** With references: Warn the object is admitted, and the hooks report what is missing. */
async function refused(create: () => Promise<unknown>): Promise<[boolean, string]> {
  const message = await create().then(() => '', messageOf)
  if (!message)
    return [true, 'admission let a reference to nothing pass: references are not enforced']
  const ours = message.includes('"try-none" does not exist')
  return [ours, `admission ${ours ? 'refused' : 'failed'}: ${message}`]
}
