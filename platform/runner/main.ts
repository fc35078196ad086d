import { parseArgs } from 'node:util'
import { kubeConfigOf } from '../../cluster/kubeconfig.ts'
import { type Log, startController } from './controller.ts'
import { type Obj, restOf } from './rest.ts'
import { watch } from './store.ts'

/**
 * `node platform/runner/main.ts --kubeconfig FILE`, or `in-cluster` for the FILE
 *
 * The embedded runner: a small replacement for Metacontroller, for development and tests only. It
 * calls the same hooks over HTTP with the same protocol, but implements only what `up` and the tests
 * need: no finalizers, no rolling updates, no adoption of orphans, related objects only by name. It
 * notices a changed CompositeController only when it restarts.
 */
const { values } = parseArgs({ options: { kubeconfig: { type: 'string', default: '' } } })
const kubeConfig = kubeConfigOf(values.kubeconfig)
const log: Log = (fields, message) =>
  console.error(JSON.stringify({ time: new Date().toISOString(), ...fields, message }))

log({}, 'the embedded runner stands in for Metacontroller: for development only')
const rest = restOf(kubeConfig, log)
const started = new Set<string>()
const begin = (controller: Obj): void =>
  void startController(kubeConfig, rest, controller, log).catch((error: unknown) => {
    log({ error: String(error) }, 'a controller did not start: tried again in a second')
    setTimeout(begin, 1000, controller)
  })
const seen = (controller: Obj): void => {
  if (!started.has(controller.metadata.uid)) begin(controller)
  started.add(controller.metadata.uid)
}
const rule = { apiVersion: 'metacontroller.k8s.io/v1alpha1', resource: 'compositecontrollers' }
await watch(kubeConfig, await rest.discover(rule), seen, log)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
