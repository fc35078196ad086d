import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { routesOf } from '../../../ui/route.ts'

const routeTo = routesOf('team')
const own = '/cluster/apis/substratus.ai/v1/namespaces/team'
const pods = '/cluster/api/v1/namespaces/team/pods'
const reviews = '/cluster/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'

describe('what the page needs is passed on, written again', () => {
  test.each([
    { request: 'GET /', to: { to: 'file', path: '/' } },
    { request: 'GET /assets/index-a_B-1.js', to: { to: 'file', path: '/assets/index-a_B-1.js' } },
    { request: 'GET /api/session', to: { to: 'session' } },
    { request: 'GET /api/objects', to: { to: 'objects' } },
    { request: 'GET /api/schemas/models', to: { to: 'schema', plural: 'models' } },
    {
      request: 'POST /api/open/notebooks/explore',
      to: { to: 'open', plural: 'notebooks', name: 'explore' },
    },
    { request: 'POST /v1/chat/completions', to: { to: 'gateway' } },
    {
      request: `GET ${pods}/a-0.b/log?container=run&follow=true&tailLines=1000`,
      to: {
        to: 'cluster',
        path: '/api/v1/namespaces/team/pods/a-0.b/log?container=run&follow=true&tailLines=1000',
      },
    },
    {
      request: `POST ${reviews}`,
      to: {
        to: 'cluster',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: 'review',
      },
    },
    {
      request: `PATCH ${own}/datasets/squad`,
      to: {
        to: 'cluster',
        path: '/apis/substratus.ai/v1/namespaces/team/datasets/squad',
        body: 'change',
      },
    },
  ])('$request', ({ request, to }) => {
    const [method = '', url = ''] = request.split(' ')
    expect(routeTo(method, url)).toEqual(to)
  })
})

describe('everything else is refused with a sentence', () => {
  test.each([
    {
      what: 'an object of another namespace',
      request: `PATCH ${own.replace('team', 'other')}/models/m`,
    },
    { what: 'a namespace that begins alike', request: `PATCH ${own}-2/models/m` },
    { what: 'another kind', request: 'GET /cluster/api/v1/namespaces/team/secrets/token' },
    { what: 'all objects', request: `GET ${own}/models` },
    { what: 'one object', request: `GET ${own}/models/m`, says: 'only PATCH is passed on here' },
    { what: 'a deletion', request: `DELETE ${own}/models/m`, says: 'only PATCH is passed on here' },
    { what: 'a replacement', request: `PUT ${own}/models/m`, says: 'only PATCH is passed on here' },
    { what: 'a status', request: `PATCH ${own}/models/m/status` },
    { what: 'a command in a Pod', request: `POST ${pods}/a/exec?command=sh` },
    { what: 'a forwarded port', request: `GET ${pods}/a/portforward` },
    { what: 'a Pod behind the API server', request: `GET ${pods}/a/proxy/` },
    {
      what: 'a preflight',
      request: `OPTIONS ${own}/models/m`,
      says: 'only PATCH is passed on here',
    },
    { what: 'a tunnel', request: 'CONNECT example.com:443' },
    { what: 'a method of no standard', request: `patch ${own}/models/m`, says: 'only PATCH' },
    { what: 'a path that leaves the folder', request: 'GET /assets/../../package.json' },
    { what: 'the same, encoded', request: 'GET /assets/%2e%2e%2fpackage.json' },
    { what: 'a file without an ending', request: 'GET /assets/.env' },
    { what: 'a folder of the files', request: 'GET /assets/' },
    { what: 'a path that leaves the namespace', request: `GET ${pods}/../secrets/token/log` },
    { what: 'a slash in a name, encoded', request: `GET ${pods}/a%2fexec/log` },
    { what: 'a slash in a name, encoded twice', request: `GET ${pods}/a%252fexec/log` },
    { what: 'a name of dots', request: `GET ${pods}/../log` },
    { what: 'a backslash', request: `GET ${pods}/a\\..\\b/log` },
    { what: 'an empty segment', request: `GET ${pods}//log` },
    { what: 'a segment that is doubled', request: `GET /${pods}/a/log` },
    { what: 'a slash at the end', request: `PATCH ${own}/models/m/` },
    { what: 'a line feed at the end', request: `PATCH ${own}/models/m%0a` },
    { what: 'a name in capitals', request: `PATCH ${own}/models/M` },
    { what: 'a zero byte', request: `PATCH ${own}/models/m%00` },
    { what: 'an address with a host', request: `GET http://127.0.0.1/api/session` },
    { what: 'an address without a path', request: 'GET *' },
    { what: 'a fragment', request: 'GET /api/session#x' },
    { what: 'a semicolon', request: 'GET /api/session;x' },
    {
      what: 'a query where there is none',
      request: 'GET /api/session?x=1',
      says: 'a parameter that',
    },
    {
      what: 'a query of a change',
      request: `PATCH ${own}/models/m?force=true`,
      says: 'a parameter',
    },
    { what: 'an unknown parameter', request: `GET ${pods}/a/log?sinceTime=1`, says: 'a parameter' },
    {
      what: 'a parameter of an object',
      request: `GET ${pods}/a/log?constructor=1`,
      says: 'a param',
    },
    {
      what: 'a parameter twice',
      request: `GET ${pods}/a/log?container=a&container=b`,
      says: 'twice',
    },
    { what: 'a strange value', request: `GET ${pods}/a/log?container=..%2f`, says: 'a value that' },
    {
      what: 'two question marks',
      request: `GET ${pods}/a/log?follow=true?x`,
      says: 'question mark',
    },
    { what: 'opening what has no address', request: 'POST /api/open/models/m' },
    { what: 'opening by a link', request: 'GET /api/open/notebooks/n', says: 'only POST' },
    { what: 'another path of the gateway', request: 'POST /v1/embeddings' },
    { what: 'the gateway by a link', request: 'GET /v1/chat/completions', says: 'only POST' },
    { what: 'a very long address', request: `GET /${'a'.repeat(3000)}`, says: 'too long' },
  ])('$what', ({ request, says = 'the page needs no such path in namespace "team"' }) => {
    const at = request.indexOf(' ')
    const refused = routeTo(request.slice(0, at), request.slice(at + 1))
    expect(refused).toMatchObject({ kind: 'Status', message: expect.stringContaining(says) })
  })
})

test('no address reaches the API server outside the paths of the table', () => {
  const allowed =
    /^\/(api\/v1\/namespaces\/team\/pods\/[a-z0-9][-a-z0-9.]*\/log(\?[-\w=&]*)?|apis\/substratus\.ai\/v1\/namespaces\/team\/(datasets|models|modelservers|notebooks)\/[a-z0-9][-a-z0-9.]*|apis\/authorization\.k8s\.io\/v1\/selfsubjectaccessreviews)$/
  const piece = fc.constantFrom(
    ...[
      own,
      pods,
      reviews,
      '/log',
      '/models',
      '/m',
      '/..',
      '/.',
      '//',
      '%2f',
      '%2e',
      '?follow=true',
    ],
    ...['\\', '#', '?', '&', 'team', 'a', '\n', '\0', ':', '@', 'secrets'],
  )
  const method = fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE')
  fc.assert(
    fc.property(method, fc.array(piece, { maxLength: 6 }), (method, pieces) => {
      const route = routeTo(method, pieces.join(''))
      if ('to' in route && route.to === 'cluster') expect(route.path).toMatch(allowed)
    }),
    { numRuns: 2000 },
  )
})
