import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { apply, get, manifest, namespace, ok, untilReady } from './cluster.ts'

/** The status that a hook answers. */
const ask = (url: string, headers: Readonly<Record<string, string>>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const ca = readFileSync(join(inject('cluster').dir, 'pki', 'ca.crt'))
    const sent = request(url, { method: 'POST', ca, headers, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    })
    sent.on('error', reject)
    sent.end(
      JSON.stringify({
        parent: {
          apiVersion: 'substratus.ai/v1',
          kind: 'Model',
          metadata: { name: 'm' },
          spec: { image: 'example.com/m' },
        },
      }),
    )
  })

const json = { 'content-type': 'application/json' }

test('the controllers send a token from a Secret, and without it the hooks return 401', async () => {
  const { spec } = JSON.parse(
    await ok(['get', 'compositecontroller', 'models.substratus.ai', '-o', 'json']),
  )
  const { url, authorization } = spec.hooks.sync.webhook
  const { namespace: where, name, key } = authorization.secretRef
  const { data } = await get(where, `secret/${name}`)
  const token = Buffer.from(data[key], 'base64').toString()
  expect(token).toMatch(/^[0-9a-f]{64}$/)
  expect(await ask(url, json)).toBe(401)
  expect(await ask(url, { ...json, authorization: 'Bearer wrong' })).toBe(401)
  expect(await ask(url, { ...json, authorization: `Bearer ${token}` })).toBe(200)
})

test('with the token the hooks work', async () => {
  const ns = await namespace('token')
  await apply(ns, manifest('Model', 'm', { image: 'example.com/m' }))
  await untilReady(ns, 'model/m', 'True')
})
