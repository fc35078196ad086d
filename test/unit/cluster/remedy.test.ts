import { describe, expect, test } from 'vitest'
import { failureLines } from '../../../cluster/remedy.ts'

const forbidden = (user: string, verb: string) =>
  `models.substratus.ai is forbidden: User "${user}" cannot ${verb} resource "models" in API group "substratus.ai" in the namespace "team"`

describe('what was forbidden tells the binding that would allow it', () => {
  test.each([
    {
      who: 'a user who reads',
      message: forbidden('Jane@example.com', 'list'),
      command:
        'kubectl create rolebinding jane-example-com-view -n team --clusterrole=view --user=Jane@example.com',
    },
    {
      who: 'a ServiceAccount that changes',
      message: forbidden('system:serviceaccount:ci:bot', 'patch'),
      command:
        'kubectl create rolebinding bot-edit -n team --clusterrole=edit --serviceaccount=ci:bot',
    },
    {
      who: 'a user who may look, but not into Pods',
      message: 'pods "a" is forbidden: User "jane" cannot get resource "pods/exec" in API group ""',
      command: 'kubectl create rolebinding jane-edit -n team --clusterrole=edit --user=jane',
    },
    {
      who: 'an account with a name for no shell',
      message: forbidden('system:serviceaccount:ci:bot;id', 'list'),
      command:
        "kubectl create rolebinding bot-id-view -n team --clusterrole=view --serviceaccount='ci:bot;id'",
    },
    {
      who: 'a user with a name for no shell',
      message: forbidden('a b;$(id)', 'get'),
      command:
        "kubectl create rolebinding a-b-id-view -n team --clusterrole=view --user='a b;$(id)'",
    },
  ])('to $who', ({ message, command }) => {
    expect(failureLines({ code: 403, message, name: undefined }, 'team')).toEqual([
      `error: ${message}`,
      'to allow it, an administrator of the namespace runs:',
      `  ${command}`,
    ])
  })

  test('in all namespaces', () => {
    const lines = failureLines(
      { code: 403, message: forbidden('jane', 'list'), name: '' },
      undefined,
    )
    expect(lines.at(-1)).toBe(
      '  kubectl create clusterrolebinding jane-view --clusterrole=view --user=jane',
    )
  })

  test('and nothing of what another server words', () => {
    const refusal = { code: 403, message: 'a proxy says no', name: undefined }
    expect(failureLines(refusal, 'team')).toEqual(['error: a proxy says no'])
  })
})

test.each([
  {
    what: 'a cluster without the kinds',
    refusal: {
      code: 404,
      message: 'the server could not find the requested resource',
      name: undefined,
    },
    is: 'error: this cluster has no substratus.ai kinds: Substratus is not installed there',
  },
  {
    what: 'credentials that have ended',
    refusal: { code: 401, message: 'Unauthorized', name: undefined },
    is: 'error: Unauthorized: the kubeconfig’s credentials are invalid, or have expired',
  },
  {
    what: 'no answer',
    refusal: { code: undefined, message: 'connect ECONNREFUSED', name: undefined },
    is: 'error: connect ECONNREFUSED',
  },
])('$what is told', ({ refusal, is }) => {
  expect(failureLines(refusal, 'team')).toEqual([is])
})
