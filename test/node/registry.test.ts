import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registryHost } from '../../platform/node/addresses.ts'
import { toolImage } from '../../platform/node/images.ts'
import { apply, get, manifest, namespace } from '../cluster/cluster.ts'
import { configured } from './configured.ts'
import { commit, leave, pullsFrom, secret, serverFor, untilSays } from './realnode.ts'

/** A private registry: builds, packaging and the kubelet use the credentials that they are given. */

const users = { push: 'may-write', pull: 'may-read', wrong: 'wrong' } as const
type User = keyof typeof users

const requests: { readonly user: string; readonly method: string; readonly path: string }[] = []
const encoded = (user: User) => Buffer.from(`${user}:${users[user]}`).toString('base64')
const known = (['push', 'pull'] as const).map((user) => ({
  user,
  header: `Basic ${encoded(user)}`,
}))

let registry: Awaited<ReturnType<typeof serverFor>>
let host: string
let undo: () => Promise<void>

/** The node's own registry behind a proxy that requires credentials. */
beforeAll(async () => {
  registry = await serverFor((incoming, response) => {
    const { method = '', url: path = '', headers } = incoming
    const user = known.find(({ header }) => header === headers.authorization)?.user
    const end = (status: number, more: object, code: string, message: string) => {
      incoming.resume()
      response.writeHead(status, { 'content-type': 'application/json', ...more })
      response.end(JSON.stringify({ errors: [{ code, message }] }))
    }
    if (!user)
      return end(
        401,
        { 'www-authenticate': 'Basic realm="registry"' },
        'UNAUTHORIZED',
        'who are you?',
      )
    requests.push({ user, method, path })
    if (user !== 'push' && method !== 'GET' && method !== 'HEAD')
      return end(403, {}, 'DENIED', 'you may only read')
    const { authorization, ...passed } = headers
    const [hostname, port] = registryHost.split(':')
    const inner = request({ hostname, port, method, path, headers: passed }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    inner.on('error', () => response.destroy())
    incoming.pipe(inner)
  })
  host = registry.url.replace('http://', '')
  pullsFrom(host)
  undo = await configured((config) => ({
    ...config,
    registry: {
      prefix: `${host}/guarded`,
      pushSecretName: 'push',
      pullSecretName: 'pull',
      insecure: true,
    },
    images: { ...config.images, builder: `${host}/${toolImage('builder')}` },
  }))
})
afterAll(async () => {
  await undo()
  registry.stop()
})

const login = (ns: string, name: string, user: User) =>
  secret(ns, name, 'kubernetes.io/dockerconfigjson', {
    '.dockerconfigjson': JSON.stringify({ auths: { [host]: { auth: encoded(user) } } }),
  })

const trains = 'echo trained >/content/artifacts/word'
const code = () => ({
  Dockerfile: `FROM ${host}/base/busybox:1\nCMD ["/bin/sh", "-c", "${trains}"]\n`,
})
/** A Model that is built, run and packaged. */
const wholeModel = (url: string) =>
  manifest('Model', 'it', { build: { git: { url } }, params: { round: 1 }, package: 'Always' })

describe.concurrent('a private registry', () => {
  test('is pushed to and pulled from with the Secrets that the configuration names', async () => {
    const ns = await namespace('registry')
    await login(ns, 'push', 'push')
    await login(ns, 'pull', 'pull')
    await apply(ns, wholeModel(commit(`${ns}/code`, code()).url))
    await apply(
      ns,
      manifest('ModelServer', 'it', {
        model: { name: 'it' },
        image: `${host}/base/busybox:1`,
        command: ['/bin/sh', '-c', 'exec httpd -f -p 8080 -h /content/model'],
        health: '/word',
      }),
    )
    await untilSays(ns, 'model/it', 'True Done: packaged as ')
    await untilSays(ns, 'modelserver/it', 'True Serving')

    const { stages } = (await get(ns, 'model/it')).status
    const own = requests.filter(({ path }) => path.includes(`/${ns}/`))
    const whoDid = (method: RegExp, path: string) => [
      ...new Set(
        own
          .filter((one) => method.test(one.method) && one.path.includes(path))
          .map(({ user }) => user),
      ),
    ]
    const digestOf = (image: string) => image.replace(/^.*@/, '')
    const repository = `/v2/guarded/${ns}/model-it`
    expect(whoDid(/^(POST|PATCH|PUT)$/, repository)).toEqual(['push'])
    const tags = own
      .filter(({ method, path }) => method === 'PUT' && path.startsWith(`${repository}/manifests/`))
      .map(({ path }) => path.split('/').at(-1))
    expect(new Set(tags).size).toBe(2)
    // The kubelet: to build, to run what was built, and to mount what was packaged.
    const [builder] = toolImage('builder').split(':')
    expect(requests.find(({ path }) => path.startsWith(`/v2/${builder}/`))?.user).toBe('pull')
    expect(whoDid(/^(GET|HEAD)$/, digestOf(stages.build.image))).toContain('pull')
    expect(whoDid(/^(GET|HEAD)$/, digestOf(stages.package.image))).toContain('pull')
    await leave(ns)
  })

  test('is pulled from with spec.imagePullSecrets, and not without', async () => {
    const ns = await namespace('registry')
    await login(ns, 'mine', 'pull')
    const loads = { image: `${host}/base/busybox:1`, command: ['/bin/sh', '-c', trains] }
    const stranger = { ...loads, image: `${host}/base/python:3`, runPolicy: { backoffLimit: 0 } }
    await apply(
      ns,
      manifest('Dataset', 'stranger', stranger),
      manifest('Dataset', 'it', { ...loads, imagePullSecrets: ['mine'] }),
    )
    await untilSays(ns, 'dataset/it', 'True Done')
    await untilSays(
      ns,
      'dataset/stranger',
      new RegExp(
        `^False ImagePullFailed: container "load": cannot pull image "${host}/base/python:3": .*(401 Unauthorized|authorization failed)`,
      ),
    )
  })

  test.each([
    {
      when: 'no Secret is there to push with',
      user: undefined,
      says: () =>
        /^False VolumeUnavailable: Pod "it-model-build-[^"]+": MountVolume\.SetUp failed for volume "[^"]+": secret "push" not found$/,
    },
    {
      when: 'the Secret’s password is wrong',
      user: 'wrong',
      says: () =>
        new RegExp(
          `^False Failed: container "build" exited with 1: the build failed: ${host}/base/busybox:1: .*401 Unauthorized`,
        ),
    },
    {
      when: 'the Secret’s user may not push',
      user: 'pull',
      says: (ns: string) =>
        new RegExp(
          `^False Failed: container "build" exited with 1: cannot push ${host}/guarded/${ns}/model-it:[0-9a-f]{16}: .*(403 Forbidden|denied: you may only read)`,
        ),
    },
  ] as const)('is not pushed to by a build when $when', async ({ user, says }) => {
    const ns = await namespace('registry')
    await login(ns, 'pull', 'pull')
    if (user) await login(ns, 'push', user)
    await apply(ns, wholeModel(commit(`${ns}/code`, code()).url))
    await untilSays(ns, 'model/it', says(ns))
    await leave(ns)
  })

  test('is not pushed to by packaging when the Secret’s user may not', async () => {
    const ns = await namespace('registry')
    await login(ns, 'push', 'pull')
    await login(ns, 'pull', 'pull')
    await apply(
      ns,
      manifest('Model', 'it', {
        image: `${host}/base/busybox:1`,
        command: ['/bin/sh', '-c', trains],
        package: 'Always',
      }),
    )
    await untilSays(
      ns,
      'model/it',
      `False Failed: container "package" exited with 1: ${host}/guarded/${ns}/model-it: push refused with 403: DENIED: you may only read`,
    )
  })
})
