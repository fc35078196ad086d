import { describe, expect, test } from 'vitest'
import { unreachable } from '../../../crds/kubelet.ts'

describe('a message about a kubelet that does not answer', () => {
  test.each([
    { message: 'dial tcp 10.0.0.1:10250: connect: connection refused' },
    {
      message: 'Get "https://10.0.0.1:10250/containerLogs/a/b/c": net/http: TLS handshake timeout',
    },
    { message: 'error dialing backend: No agent available' },
  ])('becomes one about its node: $message', ({ message }) => {
    expect(unreachable('run-1', undefined, message)).toMatch(
      /^the node of Pod "run-1" does not answer the API server.*: kubectl describe node shows its state$/,
    )
    expect(unreachable('run-1', 'gpu-7', message)).toMatch(
      /^node "gpu-7" of Pod "run-1" .*: kubectl describe node gpu-7 shows its state$/,
    )
  })

  test('is told from others', () => {
    const message = 'container "model" in pod "run-1" is terminated'
    expect(unreachable('run-1', undefined, message)).toBeUndefined()
  })
})
