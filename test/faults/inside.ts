import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Runs inside the servers of the fault tests (`node --import`). A SIGUSR2 makes it
 *
 * - move the clock by the milliseconds in the file `clock`: `Date`, from which the server, its log and the
 *   Kubernetes client take the time. Timers and performance.now() go on, as they do on a machine whose
 *   clock is set;
 * - collect garbage, and write the memory in use to the file memory-PID.json.
 */

const folder = process.env.FAULTS_FOLDER ?? ''
let shift = 0

const RealDate = Date
const now = (): number => RealDate.now() + shift
globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (target, args, made) =>
    Reflect.construct(target, args.length ? args : [now()], made) as object,
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
})

const { gc } = globalThis as { readonly gc?: () => void }

process.on('SIGUSR2', () => {
  shift = Number(readFileSync(join(folder, 'clock'), 'utf8'))
  gc?.()
  gc?.()
  writeFileSync(
    join(folder, `memory-${process.pid}.json`),
    JSON.stringify({ at: RealDate.now(), ...process.memoryUsage() }),
  )
})
