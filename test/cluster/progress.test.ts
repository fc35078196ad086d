import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  apply,
  get,
  manifest,
  namespace,
  ok,
  readyOf,
  rowOf,
  type Shown,
  until,
  untilReady,
  writes,
} from './cluster.ts'
import { simulate, work } from './troubles.ts'

/** A training reports to the address in its environment, and kubectl shows it. */

async function addressOf(ns: string): Promise<string> {
  const [job] = (await get(ns, 'jobs')).items
  const { env } = job.spec.template.spec.containers[0]
  return env.find(({ name }: Shown) => name === 'SUBSTRATUS_PROGRESS_URL').value
}

const post = async (address: string, report: object | string): Promise<number> => {
  const body = typeof report === 'string' ? report : JSON.stringify(report)
  return (await fetch(address, { method: 'POST', body })).status
}

const progressOf = async (ns: string): Promise<Shown> =>
  (await get(ns, 'model/it')).status.progress ?? {}

const statusWrites = (ns: string): number =>
  writes(ns).filter((line) => line.includes(' models/it')).length

test('kubectl get shows how far a training has come, with few writes and until it ends', async () => {
  const ns = await namespace('progress')
  await apply(ns, manifest('Model', 'it', work, simulate('hold')))
  await untilReady(ns, 'model/it', 'False Running')
  const before = readyOf(await get(ns, 'model/it'))
  expect((await rowOf(ns, 'model/it')).PROGRESS).toBeFalsy()
  const address = await addressOf(ns)

  expect(await post(address, '{"step": 450,')).toBe(400)
  expect(await post(address.replace(/.{4}$/, 'ffff'), { step: 1 })).toBe(401)
  expect(await post(address, { step: 450, of: 1000, metrics: { loss: 0.51 } })).toBe(200)
  await until(
    () => rowOf(ns, 'model/it'),
    ({ PROGRESS }) => PROGRESS === '45% loss 0.51',
  )
  expect(readyOf(await get(ns, 'model/it'))).toBe(before)

  // The same percentage, again and again, is written by nobody.
  const quiet = statusWrites(ns)
  for (let step = 451; step <= 459; step++) {
    await sleep(2000)
    expect(await post(address, { step, of: 1000, metrics: { loss: 0.5 } })).toBe(200)
  }
  await sleep(15_000)
  expect(statusWrites(ns)).toBe(quiet)
  expect(await progressOf(ns)).toMatchObject({ percent: 45, step: 450 })

  // Another one each second is written every 15 s.
  const start = Date.now()
  for (let step = 500; step < 1000; step += 16) {
    expect(await post(address, { step, of: 1000, metrics: { loss: 1 / step } })).toBe(200)
    await sleep(1000)
  }
  const seconds = (Date.now() - start) / 1000
  expect(statusWrites(ns)).toBeGreaterThan(quiet)
  expect(statusWrites(ns)).toBeLessThanOrEqual(quiet + Math.ceil(seconds / 15))
  expect((await rowOf(ns, 'model/it')).PROGRESS).toMatch(
    /^\d\d% loss 0\.00\d+, \d+[ms](\d+s)? left$/,
  )

  await post(address, { step: 1000, of: 1000, metrics: { loss: 0.001 } })
  // The Pod that seals is held, too, and comes later.
  await until(
    async () => {
      await ok(['-n', ns, 'label', 'pods', '--all', 'simulate-'])
      return readyOf(await get(ns, 'model/it'))
    },
    (line) => line.startsWith('True Done'),
  )
  const done = await progressOf(ns)
  expect(done).toMatchObject({ percent: 100, metrics: { loss: '0.001' } })
  expect(done.curve[0].at.at(-1)).toBe(1000)
  expect((await rowOf(ns, 'model/it')).PROGRESS).toBeFalsy()
  expect(await post(address, { step: 1 })).toBe(409)

  const atRest = statusWrites(ns)
  await sleep(20_000)
  expect(statusWrites(ns)).toBe(atRest)
}, 360_000)
