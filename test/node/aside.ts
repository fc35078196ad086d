import { inject } from 'vitest'
import { kubectl, manifest, ok, type Shown, until } from '../cluster/cluster.ts'
import { kill, serverReady } from '../cluster/kill.ts'

const kinds = 'validatingwebhookconfigurations,mutatingwebhookconfigurations,compositecontrollers'

/**
 * Takes the platform's own server and controller, and what points to them, out of the cluster, so that
 * a test may install others. The answer puts them back.
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

/** The API server learns of changed webhooks a moment later: until it asks them. */
export async function untilAsked(): Promise<void> {
  const model = manifest('Model', 'any', { image: 'example.com/m', dataset: { name: 'none' } })
  await until(
    () => kubectl(['create', '--dry-run=server', '-f', '-'], model),
    ({ code, stderr }) => code === 0 && stderr.includes('"none" does not exist'),
  )
}
