import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { clusterUsers, type FindUsers, usersFor } from '../../server/users.ts'
import type { AdmissionRequest } from '../../webhooks/review.ts'
import { noUsers } from '../../webhooks/users.ts'
import { aModel, aModelServer } from '../objects.ts'

/** A fake API server, which records the requests. */
let requests: string[] = []
let respond: (url: URL, res: ServerResponse) => void
let find: FindUsers

const apiServer = createServer(({ url = '', headers }, res) => {
  requests.push(`${url} ${headers.accept}`)
  respond(new URL(url, 'http://localhost'), res)
})

const page = (res: ServerResponse, names: readonly string[], metadata: object = {}) => {
  res.writeHead(200, { 'content-type': 'application/json' })
  const items = names.length ? names.map((name) => ({ metadata: { name } })) : null
  res.end(JSON.stringify({ metadata, items }))
}

beforeEach(async () => {
  requests = []
  await new Promise<void>((resolve) => apiServer.listen(0, '127.0.0.1', resolve))
  const { port } = apiServer.address() as AddressInfo
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromOptions({
    clusters: [{ name: 'local', server: `http://127.0.0.1:${port}`, skipTLSVerify: true }],
    users: [{ name: 'nobody' }],
    contexts: [{ name: 'local', cluster: 'local', user: 'nobody' }],
    currentContext: 'local',
  })
  find = clusterUsers(kubeConfig)
})
afterEach(async () => {
  apiServer.closeAllConnections()
  await new Promise((resolve) => apiServer.close(resolve))
})

const deletion: AdmissionRequest = {
  uid: '1',
  operation: 'DELETE',
  namespace: 'team',
  oldObject: aModel({ image: 'm' }),
}

test('the API server selects the users, and sends only a page of their metadata', async () => {
  respond = (url, res) => page(res, url.pathname.endsWith('/modelservers') ? ['a'] : [])
  expect(await usersFor(deletion, find)).toEqual({
    found: [{ kind: 'ModelServer', name: 'a' }],
    areMore: false,
  })
  const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
  expect(requests.sort()).toEqual(
    ['models', 'modelservers', 'notebooks'].map(
      (plural) =>
        `/apis/substratus.ai/v1/namespaces/team/${plural}?fieldSelector=spec.model.name%3Dfalcon&limit=20 ${accept}`,
    ),
  )
})

test('the servers that list it as an adapter are found among those of its base', async () => {
  const server = (name: string, ...adapters: readonly string[]) => ({
    metadata: { name },
    spec: { model: { name: 'base' }, adapters: adapters.map((adapter) => ({ name: adapter })) },
  })
  respond = (url, res) =>
    url.searchParams.get('fieldSelector') === 'spec.model.name=base'
      ? res.end(JSON.stringify({ metadata: {}, items: [server('a', 'falcon'), server('b', 'x')] }))
      : page(res, [])
  const oldObject = aModel({ image: 'm', model: { name: 'base' } })
  expect(await usersFor({ ...deletion, oldObject }, find)).toEqual({
    found: [{ kind: 'ModelServer', name: 'a' }],
    areMore: false,
  })
})

test('an object that is being deleted does not count, and a further page is more', async () => {
  respond = (url, res) =>
    url.pathname.endsWith('/notebooks') ? page(res, ['n'], { continue: 'x' }) : leaving(res)
  const leaving = (res: ServerResponse) =>
    res.end(JSON.stringify({ metadata: {}, items: [{ metadata: { deletionTimestamp: 'now' } }] }))
  expect(await usersFor(deletion, find)).toEqual({
    found: [{ kind: 'Notebook', name: 'n' }],
    areMore: true,
  })
})

describe('no users are looked up', () => {
  test.each<{ when: string; request: AdmissionRequest }>([
    {
      when: 'nothing can refer to the object',
      request: { ...deletion, oldObject: aModelServer({ model: { name: 'm' } }) },
    },
    { when: 'it is created', request: { ...deletion, operation: 'CREATE' } },
    {
      when: 'a controller of Kubernetes deletes it',
      request: {
        ...deletion,
        username: 'system:serviceaccount:kube-system:namespace-controller',
      },
    },
    {
      when: 'its name would change the selector',
      request: { ...deletion, oldObject: aModel({ image: 'm' }, { name: 'a,b=c' }) },
    },
  ])('when $when', async ({ request }) => {
    expect(await usersFor(request, find)).toEqual(noUsers)
    expect(requests).toEqual([])
  })
})

describe('a look-up that fails never delays or refuses a deletion', () => {
  test.each<{ when: string; respond: typeof respond }>([
    { when: 'the API server refuses', respond: (_url, res) => res.writeHead(403).end('{}') },
    { when: 'it hangs up', respond: (_url, res) => void res.destroy() },
    { when: 'it does not answer', respond: () => {} },
  ])('$when', async ({ respond: given }) => {
    respond = given
    const start = performance.now()
    expect(await usersFor(deletion, find)).toEqual(noUsers)
    expect(performance.now() - start).toBeLessThan(1900)
  })
})
