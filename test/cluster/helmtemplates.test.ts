import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { controllers } from '../../metacontroller/compositecontrollers.ts'
import { findHelm } from '../../platform/binaries/find.ts'
import { admissionWebhooks } from '../../webhooks/configuration.ts'
import { chart, home, release } from './chart.ts'

/** Hand-written templates render exactly what the project's own functions return. */

const ca = 'a CA'
const caBundle = Buffer.from(ca).toString('base64')
const tls = ['tls.secretName=certificate', `tls.ca=${ca}`]

const binary = await findHelm({ progress: (line) => console.log(line) })

const rendered = (template: string, values: readonly string[]): readonly unknown[] => {
  const set = ['--set', [...tls, ...values].join()]
  const args = ['template', release, chart, '--namespace', home, ...set, '--show-only']
  const text = execFileSync(binary, [...args, `templates/${template}.yaml`], { encoding: 'utf8' })
  return parseAllDocuments(text).map((document) => document.toJS())
}

const service = `https://substratus.${home}.svc:443`
const tokenSecret = { namespace: home, name: 'token' }

test.each([
  {
    what: 'a token and claims for devices',
    values: ['hookToken.secretName=token', 'metacontroller.deviceClaims=Enabled'],
    address: { url: service, tokenSecret, deviceClaims: true },
  },
  {
    what: 'neither, at an address outside the cluster',
    values: [
      'hookToken.enabled=false',
      'metacontroller.deviceClaims=Disabled',
      'metacontroller.url=https://hooks:8443',
    ],
    address: { url: 'https://hooks:8443' },
  },
])('CompositeControllers with $what', ({ values, address }) => {
  const found = rendered('compositecontrollers', values)
  const [, revision = ''] = /\?revision=([0-9a-f]{12})"/.exec(JSON.stringify(found)) ?? []
  expect(found).toEqual(controllers({ ...address, caBundle, revision }))
})

test.each([
  { what: 'the usual path', values: [], base: '/admission' },
  {
    what: 'a secret segment',
    values: ['admissionPath.segment=a-secret-0123456'],
    base: '/admission/a-secret-0123456',
  },
])('webhooks behind $what', ({ values, base }) => {
  const reached = { namespace: home, name: 'substratus', port: 443 }
  expect(rendered('webhooks', values)).toEqual(
    admissionWebhooks({ service: reached, caBundle, base }),
  )
})
