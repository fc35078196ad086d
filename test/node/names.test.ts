import { expect, test } from 'vitest'
import { apply, get, namespace } from '../cluster/cluster.ts'
import { base, outputOf } from './realnode.ts'

/** Resolves names, then asks the API server for its own identity, by name, with certificate and token. */
const script = `
import json, socket, ssl, sys, urllib.request
for name in sys.argv[1:]:
    print(name, socket.gethostbyname(name))
mine = "/var/run/secrets/kubernetes.io/serviceaccount/"
kind = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
request = urllib.request.Request(
    "https://kubernetes.default.svc/apis/authentication.k8s.io/v1/selfsubjectreviews",
    data=json.dumps(kind).encode(),
    headers={"Authorization": "Bearer " + open(mine + "token").read(), "Content-Type": "application/json"},
)
trusted = ssl.create_default_context(cafile=mine + "ca.crt")
answer = json.load(urllib.request.urlopen(request, context=trusted))
print(answer["status"]["userInfo"]["username"])
`

test('a Pod resolves Services by name, and the API server authenticates it', async () => {
  const ns = await namespace('names')
  await apply(
    ns,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web' },
      spec: { ports: [{ port: 80 }] },
    }),
  )
  const { clusterIP } = (await get(ns, 'service/web')).spec
  const names = ['web', `web.${ns}`, `web.${ns}.svc.cluster.local`]
  const output = await outputOf(ns, {
    image: `${base}/python:3`,
    command: ['python3', '-c', script, ...names, 'kubernetes.default'],
  })
  expect(output.split('\n')).toEqual([
    ...names.map((name) => `${name} ${clusterIP}`),
    'kubernetes.default 10.96.0.1',
    `system:serviceaccount:${ns}:default`,
  ])
})

const nobody = '10.96.255.254'
const connect = `
import socket
try:
    socket.create_connection(("${nobody}", 8080), timeout=20)
except OSError as error:
    print(error)
`

test('a connection to an address of no Service does not leave the machine', async () => {
  const ns = await namespace('outside')
  const command = ['python3', '-c', connect]
  await Promise.all([
    expect(fetch(`http://${nobody}:8080`)).rejects.toMatchObject({
      cause: { code: 'EHOSTUNREACH' },
    }),
    expect(outputOf(ns, { image: `${base}/python:3`, command })).resolves.toMatch(
      /No route to host\n*$/,
    ),
  ])
})
