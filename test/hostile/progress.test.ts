import { setTimeout as sleep } from 'node:timers/promises'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attemptToken } from '../../hooks/progress/address.ts'
import { aJob, aModel, aPod, type Child, sync } from '../objects.ts'
import { type ReceiverBed, receiverBed } from '../protocol/receiverbed.ts'

/** A tenant knows the address of an own attempt, and wants to report for another one. */

const key = 'the key that only the server knows'
const modelOf = (tenant: string) =>
  aModel({ image: 'example.com/train:1', params: { a: 1 } }, { name: tenant })
const podOf = (tenant: string): Child =>
  aPod(aJob(sync(modelOf(tenant))), { phase: 'Running' }, { namespace: tenant })
const attemptOf = (tenant: string) => ({
  uid: `uid-of-${tenant}`,
  job: aJob(sync(modelOf(tenant))).metadata.name,
})

let bed: ReceiverBed
beforeAll(async () => {
  bed = await receiverBed({ keys: [key], pods: [podOf('mallory'), podOf('victim')] })
})
afterAll(() => bed.stop())

const [own, other] = [attemptOf('mallory'), attemptOf('victim')]
const ownToken = attemptToken(key, own)
const pathOf = ({ uid, job }: typeof own, token: string) => `/progress/${uid}/${job}/${token}`
const post = (path: string) => request(bed.url).post(path).send('{"percent": 99}')

test('the own address works', async () => {
  expect((await post(pathOf(own, ownToken))).status).toBe(200)
})

describe('another attempt cannot be reported for', () => {
  test.each([
    { with: 'the own token', path: pathOf(other, ownToken), code: 401 },
    { with: 'a token of an empty key', path: pathOf(other, attemptToken('', other)), code: 401 },
    { with: 'a token of another key', path: pathOf(other, attemptToken('k', other)), code: 401 },
    { with: 'no token', path: `/progress/${other.uid}/${other.job}/`, code: 404 },
    {
      with: 'a path that leads there',
      path: `/progress/x/../${other.uid}/${other.job}/${ownToken}`,
      code: 404,
    },
    {
      with: 'an encoded slash, so that two attempts would be signed alike',
      path: `/progress/${other.uid}%2F${other.job}/x/${ownToken}`,
      code: 404,
    },
    {
      with: 'the own object and the Job of another',
      path: pathOf({ uid: own.uid, job: other.job }, ownToken),
      code: 401,
    },
  ])('with $with', async ({ path, code }) => {
    expect((await post(path)).status).toBe(code)
    await bed.counted(code)
    expect(bed.reports.of(other.uid)).toBeUndefined()
  })
})

test('a Pod with the labels of another object proves nothing without the token', async () => {
  bed.pods.put(aPod(aJob(sync(modelOf('victim'))), { phase: 'Running' }, { namespace: 'mallory' }))
  expect((await post(pathOf(other, ownToken))).status).toBe(401)
})

test('what a tenant reports reaches no terminal as anything but plain words', async () => {
  const message = '\u001b]0;owned\u0007\u001b[2J45% \u202egnp\nReady True'
  const metrics = { '\u001b[31mloss\n': 0.5, 'a b': 1 }
  const answer = await request(bed.url)
    .post(pathOf(own, ownToken))
    .send(JSON.stringify({ percent: 1, message, metrics }))
  expect(answer.status).toBe(200)
  const reported = () => bed.reports.of(own.uid)?.get(own.job)?.report
  while (!reported()?.message) await sleep(20)
  const report = reported()
  const shown = JSON.stringify(report)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
  expect(shown).not.toMatch(/\\u00|\\n|\u202e|[\u0000-\u001f\u007f-\u009f]/)
})
