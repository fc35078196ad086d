import { KubeConfig } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { authenticate } from '../../../cluster/credentials.ts'

const withPlugin = (command: string, args: readonly string[] = [], caFile?: string) => {
  const kubeConfig = new KubeConfig()
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command, args }
  kubeConfig.loadFromOptions({
    currentContext: 'c',
    clusters: [{ name: 'c', server: 'https://c.example', ...(caFile && { caFile }) }],
    users: [{ name: `of ${command} ${args}`, exec }],
    contexts: [{ name: 'c', cluster: 'c', user: `of ${command} ${args}` }],
  })
  return kubeConfig
}

test.each([
  { when: 'is not installed', command: 'no-such-plugin', args: [], is: 'is not installed' },
  {
    when: 'fails and says why',
    command: 'sh',
    args: ['-c', 'echo log in first >&2; exit 1'],
    is: 'failed: log in first',
  },
  { when: 'fails and says nothing', command: 'false', args: [], is: 'failed without a message' },
])('a credential plugin that $when is named', async ({ command, args, is }) => {
  await expect(authenticate(withPlugin(command, args), {})).rejects.toThrow(
    `the credential plugin "${command}" of the kubeconfig ${is}`,
  )
})

const noFile = '/nowhere/ca.crt'
const withoutPlugin = () => {
  const kubeConfig = new KubeConfig()
  kubeConfig.loadFromClusterAndUser(
    { name: 'c', server: 'https://c.example', caFile: noFile, skipTLSVerify: false },
    { name: 'u', token: 't' },
  )
  return kubeConfig
}

test.each([
  { who: 'a user with a plugin', kubeConfig: () => withPlugin('echo', ['{"status":{}}'], noFile) },
  { who: 'another user', kubeConfig: withoutPlugin },
])('a missing file of a kubeconfig is named, for $who', async ({ kubeConfig }) => {
  await expect(authenticate(kubeConfig(), {})).rejects.toThrow(
    `the file "${noFile}", which the kubeconfig names, does not exist`,
  )
})

test('a file of a kubeconfig that cannot be read is not taken for its plugin', async () => {
  const aFolder = withPlugin('echo', ['{"status":{}}'], '/')
  await expect(authenticate(aFolder, {})).rejects.toThrow(
    'a file, which the kubeconfig names, is a folder',
  )
})
