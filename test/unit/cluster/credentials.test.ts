import { KubeConfig } from '@kubernetes/client-node'
import { expect, test } from 'vitest'
import { authenticate } from '../../../cluster/credentials.ts'

const withProgram = (command: string, args: readonly string[] = []) => {
  const kubeConfig = new KubeConfig()
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command, args }
  kubeConfig.loadFromOptions({
    currentContext: 'c',
    clusters: [{ name: 'c', server: 'https://c.example' }],
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
])('a program for credentials that $when is named', async ({ command, args, is }) => {
  await expect(authenticate(withProgram(command, args), {})).rejects.toThrow(
    `"${command}", which the kubeconfig runs for credentials, ${is}`,
  )
})
