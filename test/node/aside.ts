import { inject } from 'vitest'
import { kubectl, manifest, ok, type Shown, until } from '../cluster/cluster.ts'
import { kill, serverReady } from '../cluster/kill.ts'

const kinds = 'validatingwebhookconfigurations,mutatingwebhookconfigurations,compositecontrollers'

/**
 * Stops the platform's own server and controller, and removes the configurations that refer to them, so
 * that a test can install others. The returned function restores them.
 */
export async function standAside(): Promise<() => Promise<void>> {
  const items = JSON.parse(await ok(['get', kinds, '-o', 'json'])).items.map(
    ({ apiVersion, kind, metadata: { name }, spec, webhooks }: Shown) => ({
      ...{ apiVersion, kind, metadata: { name } },
      ...(spec && { spec }),
      ...(webhooks && { webhooks }),
    }),
  )
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
  const drive = await kill(inject('cluster').controller)
  await ok(['delete', '-f', '-'], list)
  const serve = await kill('server')
  return async () => {
    serve()
    await serverReady()
    await ok(['apply', '-f', '-'], list)
    drive()
    await untilAsked()
  }
}

/** Waits until the API server calls changed webhooks, which it reads after a moment. */
export async function untilAsked(): Promise<void> {
  const model = manifest('Model', 'any', { image: 'example.com/m', dataset: { name: 'none' } })
  await until(
    () => kubectl(['create', '--dry-run=server', '-f', '-'], model),
    ({ code, stderr }) => code === 0 && stderr.includes('"none" does not exist'),
  )
}
