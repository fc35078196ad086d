import { describe, expect, test } from 'vitest'
import { cloneEnv, envOf } from '../../../../hooks/pod/env.ts'
import { aConfig, aModel, sync, theChild } from '../../../objects.ts'

test.each([
  {
    what: 'a Secret',
    value: '${{ secrets.hub.token }}',
    env: { valueFrom: { secretKeyRef: { name: 'hub', key: 'token' } } },
  },
  {
    what: 'a ConfigMap',
    value: '${{configmaps.trusted-ca.ca-bundle.crt}}',
    env: { valueFrom: { configMapKeyRef: { name: 'trusted-ca', key: 'ca-bundle.crt' } } },
  },
  { what: 'no other kind', value: '${ configmaps.a.b }', env: { value: '${ configmaps.a.b }' } },
])('a variable is read by the kubelet from $what', ({ value, env }) => {
  expect(envOf({ env: { A: value } })).toEqual([{ name: 'A', ...env }])
})

describe('a build', () => {
  const env = {
    HTTPS_PROXY: 'http://proxy:3128',
    no_proxy: '.internal',
    CA_CERTIFICATES: '${{ configmaps.trusted.pem }}',
    HF_TOKEN: 'x',
  }
  const authorities = {
    name: 'CA_CERTIFICATES',
    valueFrom: { configMapKeyRef: { name: 'trusted', key: 'pem' } },
  }

  test('clones through the proxies of spec.env, with its authorities, and gets no other variable', () => {
    expect(cloneEnv(env, aConfig())).toEqual([
      { name: 'HTTPS_PROXY', value: 'http://proxy:3128' },
      { name: 'no_proxy', value: '.internal' },
      authorities,
    ])
  })

  // With both, the author could read the administrator's push credentials on their way to the registry.
  test('pulls and pushes through none: the builder gets the proxies for its steps alone', () => {
    const build = { git: { url: 'https://example.com/x' } }
    const { spec } = theChild(sync(aModel({ build, env })), 'Job')
    const { initContainers, containers } = spec.template.spec
    const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name)
    expect(names(initContainers[0].env)).toEqual([
      'HOME',
      'HTTPS_PROXY',
      'no_proxy',
      'CA_CERTIFICATES',
    ])
    expect(names(containers[0].env)).toEqual([
      'HOME',
      'USER',
      'XDG_RUNTIME_DIR',
      'STEP_HTTPS_PROXY',
      'STEP_no_proxy',
    ])
  })
  describe('and packaging use the network of the configuration’s builder', () => {
    const config = aConfig({
      builder: {
        env: {
          HTTPS_PROXY: 'http://admin:1',
          NO_PROXY: '.svc',
          CA_CERTIFICATES: '${{ configmaps.company.ca.crt }}',
        },
      },
    })
    const company = {
      name: 'CA_CERTIFICATES',
      valueFrom: { configMapKeyRef: { name: 'company', key: 'ca.crt' } },
    }
    const admins = [
      { name: 'HTTPS_PROXY', value: 'http://admin:1' },
      { name: 'NO_PROXY', value: '.svc' },
      company,
    ]

    test('and the steps of a build do not', () => {
      const build = { git: { url: 'https://example.com/x' } }
      const { spec } = theChild(sync(aModel({ build }), [], config), 'Job')
      const { initContainers, containers } = spec.template.spec
      expect(initContainers[0].env).toEqual(expect.arrayContaining(admins))
      expect(containers[0].env).toEqual(expect.arrayContaining(admins))
      expect(JSON.stringify(containers[0].env)).not.toContain('STEP_')
    })

    test('and the clone prefers what spec.env says', () => {
      expect(cloneEnv({ HTTPS_PROXY: 'http://proxy:3128' }, config)).toEqual([
        { name: 'HTTPS_PROXY', value: 'http://proxy:3128' },
        { name: 'NO_PROXY', value: '.svc' },
        company,
      ])
    })
  })
})
