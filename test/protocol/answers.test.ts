import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { defaultConfig } from '../../crds/config.ts'
import { app } from '../../server/app.ts'
import { metrics } from '../../server/metrics.ts'
import { mistyped } from '../objects.ts'

const server = app({
  config: defaultConfig,
  log: pino({ level: 'silent' }),
  metrics: metrics(),
})

const parent = {
  apiVersion: 'substratus.ai/v1',
  kind: 'Model',
  metadata: { name: 'm', namespace: 'default', generation: 1 },
  spec: { image: 'example.com/model:1' },
}

describe('the response to a wrong request says what is wrong, as JSON', () => {
  const huge = JSON.stringify({ parent, padding: 'x'.repeat(17 * 1024 * 1024) })
  test.each([
    {
      when: 'the body is not JSON',
      path: '/hooks/models/sync',
      body: '{',
      code: 400,
      says: 'the body is no JSON',
    },
    {
      when: 'the body is not an object',
      path: '/hooks/models/sync',
      body: '[]',
      code: 400,
      says: 'must be a JSON object',
    },
    {
      when: 'there is no parent',
      path: '/hooks/models/sync',
      body: '{}',
      code: 400,
      says: 'parent: Required value',
    },
    {
      when: 'the parent is of another kind',
      path: '/hooks/datasets/sync',
      body: JSON.stringify({ parent }),
      code: 400,
      says: 'must be "Dataset"',
    },
    {
      when: 'children are not groups',
      path: '/hooks/models/sync',
      body: JSON.stringify({ parent, children: [] }),
      code: 400,
      says: 'children: Invalid value',
    },
    {
      when: 'it is not a review',
      path: '/admission/validate',
      body: '{}',
      code: 400,
      says: 'AdmissionReview',
    },
    {
      when: 'it is larger than 16 MiB',
      path: '/hooks/models/sync',
      body: huge,
      code: 413,
      says: '16 MiB',
    },
  ])('$when: $code', async ({ path, body, code, says }) => {
    const answer = await request(server).post(path).type('application/json').send(body)
    expect(answer.status).toBe(code)
    expect(answer.body.message).toContain(says)
  })

  test('it has 2,000 Jobs with all that the API server adds, and is not too large', async () => {
    const fields = Object.fromEntries(
      Array.from({ length: 160 }, (_, number) => [`f:field-${number}`, {}]),
    )
    const metadata = { namespace: 'default', managedFields: [{ fieldsV1: fields }] }
    const jobs = Object.fromEntries(
      Array.from({ length: 2000 }, (_, number) => {
        const name = `m-model-run-${number}`
        const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { ...metadata, name } }
        return [name, { ...job, padding: 'x'.repeat(4000) }]
      }),
    )
    const answer = await request(server)
      .post('/hooks/models/sync')
      .type('application/json')
      .send(JSON.stringify({ parent, children: { 'Job.batch/v1': jobs } }))
    expect(answer.status).toBe(200)
  })

  test('it inflates to more than 16 MiB: 413', async () => {
    const answer = await request(server)
      .post('/hooks/models/sync')
      .set({ 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .serialize((body) => mistyped<string>(body))
      .send(mistyped<string>(gzipSync(huge)))
    expect(answer.status).toBe(413)
  })

  test.each([
    { type: 'text/plain', says: 'application/json, not text/plain' },
    { type: 'application/x-www-form-urlencoded', says: 'application/json' },
  ])('the type is $type: 415', async ({ type, says }) => {
    const answer = await request(server).post('/hooks/models/sync').type(type).send('{}')
    expect(answer.status).toBe(415)
    expect(answer.body.message).toContain(says)
  })

  test('an unknown path: 404', async () => {
    const answer = await request(server).post('/hooks/servers/sync').send({})
    expect(answer.status).toBe(404)
    expect(answer.body).toMatchObject({ message: 'no such path: /hooks/servers/sync' })
  })

  test('a wrong method: 405, with the right one', async () => {
    const answer = await request(server).get('/hooks/models/sync')
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('POST')
    expect((await request(server).post('/healthz').send({})).headers.allow).toBe('GET')
  })
})

describe('a right request', () => {
  test('sync answers with status and children', async () => {
    const answer = await request(server).post('/hooks/models/sync').send({ parent })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ status: { ready: true }, children: [] })
  })

  test('customize answers with related resources, by name and in the namespace', async () => {
    const trained = { ...parent, spec: { ...parent.spec, dataset: { name: 'squad' } } }
    const answer = await request(server).post('/hooks/models/customize').send({ parent: trained })
    expect(answer.body).toEqual({
      relatedResources: [
        {
          apiVersion: 'substratus.ai/v1',
          resource: 'datasets',
          namespace: 'default',
          names: ['squad'],
        },
      ],
    })
  })

  test('a query, which the API server adds, changes nothing', async () => {
    const review = {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: { uid: '1', operation: 'CREATE', namespace: 'default', object: parent },
    }
    const answer = await request(server).post('/admission/validate?timeout=5s').send(review)
    expect(answer.body.response).toEqual({ uid: '1', allowed: true })
  })

  test.each(['/healthz', '/readyz', '/metrics'])('GET %s: 200', async (path) => {
    expect((await request(server).get(path)).status).toBe(200)
  })
})
