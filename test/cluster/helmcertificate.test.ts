import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { freePorts } from '../../platform/ports.ts'
import { accountOf, allowed, requestsOf } from './accounts.ts'
import {
  done,
  home,
  mount,
  type Running,
  route,
  runAs,
  secretsOf,
  startServer,
  team,
} from './chart.ts'
import { get, kubectl, manifest, ok, until } from './cluster.ts'
import { installation } from './installation.ts'
import { applySteadily } from './steady.ts'

/** Changes of the certificate and of the servers while people apply. */

const bed = installation({ installed: {} })

describe('the certificate', () => {
  const served = () =>
    new Promise<string>((resolve, reject) => {
      const ca = readFileSync(join(bed.plane.dir, 'etc', 'tls', 'ca.crt'))
      const socket = connect(
        { host: bed.address, port: bed.port, ca, servername: `substratus.${home}.svc` },
        () => {
          resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
          socket.destroy()
        },
      )
      socket.on('error', reject)
    })

  /** Runs the CronJob's command as the CronJob's account. */
  const renew = async (days?: number) => {
    const account = await accountOf(bed.target, bed.plane, home, 'substratus-certificate')
    const job = await get(home, 'cronjob/substratus-certificate', bed.target)
    const [container] = job.spec.jobTemplate.spec.template.spec.containers
    const args = container.args.map((arg: string) =>
      days ? arg.replace(/^--days=.*/, `--days=${days}`) : arg,
    )
    return runAs(args, account)
  }

  test('is left alone while it is new', async () => {
    const { data } = await get(home, 'secret/substratus-tls', bed.target)
    expect(await renew()).toMatchObject({ code: 0, log: expect.stringContaining('new enough') })
    expect((await get(home, 'secret/substratus-tls', bed.target)).data).toEqual(data)
  })

  test('is renewed and loaded without a restart, and no apply fails', async () => {
    const before = await served()
    const stop = applySteadily(bed.apply, 'steady')
    // So long that the present certificate, of 90 days, counts as old.
    expect(await renew(300)).toMatchObject({ code: 0, log: expect.stringContaining('renewed') })
    await mount(bed.target, 'secret/substratus-tls', join(bed.plane.dir, 'etc', 'tls'))
    await until(served, (serial) => serial !== before, 20)
    await sleep(2000)
    const { failed, count } = await stop()
    expect(failed).toEqual([])
    expect(count).toBeGreaterThan(5)
    expect(bed.server.log()).toContain('took the changed certificate')
    // A new connection, by Service and name.
    done(await bed.apply(manifest('Model', 'after-renewal', { image: 'example.com/m' })))
  })

  test('is renewed by an account that may read the CA, write the certificate, and nothing else', async () => {
    expect(requestsOf(bed.target, `${home}:substratus-certificate`).toSorted()).toEqual([
      'get secrets',
      'update secrets',
    ])
    const everybody = await allowed(bed.target, `${team}:default`, home)
    expect(await allowed(bed.target, `${home}:substratus-certificate`, home)).toEqual(everybody)
    const may = async (verb: string, name: string) => {
      const as = ['--as', `system:serviceaccount:${home}:substratus-certificate`, '-n', home]
      const asks = ['auth', 'can-i', verb, `secret/${name}`, ...as]
      return (await kubectl(asks, undefined, bed.target)).code === 0
    }
    expect(await may('get', 'substratus-ca')).toBe(true)
    expect(await may('update', 'substratus-ca')).toBe(false)
    expect(await may('update', 'substratus-tls')).toBe(true)
    expect(await may('get', 'substratus-hooks')).toBe(false)
  })

  test('is not replaced by an old one in a rollback, nor is the token', async () => {
    const before = await secretsOf(bed)
    done(await bed.release('upgrade', '--reuse-values'))
    done(await bed.rollback())
    expect(await secretsOf(bed)).toEqual(before)
  })
})

test('a rollout replaces both servers while requests arrive, and no apply fails', async () => {
  const [second = 0] = await freePorts(1)
  /** Like a Deployment: the endpoint is removed, preStop sleeps for 5 s, SIGTERM. */
  const end = async (name: string, running: Running) => {
    await ok(['-n', home, 'delete', 'endpointslice', name], undefined, bed.target)
    await sleep(5000)
    await running.stop()
  }
  const isAsked = ({ log }: Running) =>
    until(
      async () => log(),
      (text) => text.includes('"path":"/admission/validate"'),
      30,
    )
  const stop = applySteadily(bed.apply, 'rollout')
  const other = await startServer(bed.target, bed.plane, second)
  await route(bed, 'second', second)
  // The API server keeps using its open connection until the server closes it.
  await end('this-machine', bed.server)
  await isAsked(other)
  bed.server = await startServer(bed.target, bed.plane, bed.port)
  await route(bed, 'this-machine', bed.port)
  await end('second', other)
  await isAsked(bed.server)
  const { failed, count } = await stop()
  expect(failed).toEqual([])
  expect(count).toBeGreaterThan(20)
})
