import { describe, expect, test } from 'vitest'
import { steady } from '../../../hooks/observe/steady.ts'

/** What differs in each attempt is left out of a message, and nothing else. */

const attach = 'AttachVolume.Attach failed for volume "pvc-0a60a51f-85fd-11e9-aeac-000d3a2eb756": '
const disk =
  '/subscriptions/1b9d2281-dcd5-4dfd-9a97-0d50377cdf76/resourceGroups/g/providers/Microsoft.Compute/disks/pvc-0a60a51f-85fd-11e9-aeac-000d3a2eb756'

describe('two attempts give one message', () => {
  test.each<{ of: string; attempts: readonly [string, string]; message: string }>([
    {
      of: 'an operation in Google Cloud',
      attempts: [
        'rpc error: code = Internal desc = unknown Attach error: failed when waiting for zonal op: operation operation-1767225600123-61e9c1f0a1b2c-0f1e2d3c-4b5a6978 failed (RESOURCE_IN_USE_BY_ANOTHER_RESOURCE): The disk resource projects/p/zones/z/disks/pvc-1 is already being used',
        'rpc error: code = Internal desc = unknown Attach error: failed when waiting for zonal op: operation operation-1767225660456-61e9c2a9d3e4f-9a8b7c6d-5e4f3021 failed (RESOURCE_IN_USE_BY_ANOTHER_RESOURCE): The disk resource projects/p/zones/z/disks/pvc-1 is already being used',
      ],
      message:
        'rpc error: code = Internal desc = unknown Attach error: failed when waiting for zonal op: operation operation-… failed (RESOURCE_IN_USE_BY_ANOTHER_RESOURCE): The disk resource projects/p/zones/z/disks/pvc-1 is already being used',
    },
    {
      of: 'details of an error of Google Cloud',
      attempts: [
        'googleapi: Error 403: Rate Limit Exceeded Details: [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30.5s"}, {"requestId": "4f1d9c2e77"}]',
        'googleapi: Error 403: Rate Limit Exceeded Details: [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}, {"requestId": "00ab12cd34"}]',
      ],
      message:
        'googleapi: Error 403: Rate Limit Exceeded Details: [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "…"}, {"requestId": "…"}]',
    },
    {
      of: 'a time-out of Azure',
      attempts: [
        'Retriable: true, RetryAfter: 0s, HTTPStatusCode: 503, RawError: {"error":{"code":"ServerTimeout","message":"The request timed out. Diagnostic information: timestamp \'20260101T015824Z\', subscription id \'xx\', tracking id \'51d182a3-a748-4bfd-858c-7c04c4b3297c\', request correlation id \'51d182a3-a748-4bfd-858c-7c04c4b3297c\'."}}',
        'Retriable: true, RetryAfter: 0s, HTTPStatusCode: 503, RawError: {"error":{"code":"ServerTimeout","message":"The request timed out. Diagnostic information: timestamp \'20260101T020024Z\', subscription id \'xx\', tracking id \'0f9bcb53-8a0e-4b0e-a1a7-3d0a0f5f2f11\', request correlation id \'0f9bcb53-8a0e-4b0e-a1a7-3d0a0f5f2f11\'."}}',
      ],
      message:
        'Retriable: true, RetryAfter: …, HTTPStatusCode: 503, RawError: {"error":{"code":"ServerTimeout","message":"The request timed out. Diagnostic information: timestamp \'…\', subscription id \'xx\', tracking id \'…\', request correlation id \'…\'."}}',
    },
    {
      of: 'a throttled request to Azure',
      attempts: [
        'failed with Retriable: true, RetryAfter: 121s, HTTPStatusCode: 0, RawError: azure cloud provider throttled for operation VMSSVMUpdateAsync with reason "client throttled"',
        'failed with Retriable: true, RetryAfter: 1m4.5s, HTTPStatusCode: 0, RawError: azure cloud provider throttled for operation VMSSVMUpdateAsync with reason "client throttled"',
      ],
      message:
        'failed with Retriable: true, RetryAfter: …, HTTPStatusCode: 0, RawError: azure cloud provider throttled for operation VMSSVMUpdateAsync with reason "client throttled"',
    },
    {
      of: 'Azure’s count of requests',
      attempts: [
        '"message":"{\\"startTime\\":\\"2026-01-01T00:00:00.1234567+00:00\\",\\"allowedRequestCount\\":240,\\"measuredRequestCount\\":1200}"',
        '"message":"{\\"startTime\\":\\"2026-01-01T00:03:00.7654321+00:00\\",\\"allowedRequestCount\\":240,\\"measuredRequestCount\\":1340}"',
      ],
      message:
        '"message":"{\\"startTime\\":\\"…\\",\\"allowedRequestCount\\":240,\\"measuredRequestCount\\":…}"',
    },
    {
      of: 'a sign-in that Azure refuses',
      attempts: [
        'AADSTS7000222: The provided client secret keys are expired. Trace ID: 6e7f0a1b-1111-4222-8333-944455556666 Correlation ID: 7a7f0a1b-1111-4222-8333-944455556666 Timestamp: 2026-01-01 00:00:00Z',
        'AADSTS7000222: The provided client secret keys are expired. Trace ID: 0e7f0a1b-1111-4222-8333-944455556666 Correlation ID: 1a7f0a1b-1111-4222-8333-944455556666 Timestamp: 2026-01-01 00:02:03Z',
      ],
      message:
        'AADSTS7000222: The provided client secret keys are expired. Trace ID: … Correlation ID: … Timestamp: …',
    },
    {
      of: 'a request to AWS',
      attempts: [
        'api error UnauthorizedOperation: StatusCode: 403, RequestID: 51d182a3-a748-4bfd-858c-7c04c4b3297c, not authorized',
        'api error UnauthorizedOperation: StatusCode: 403, RequestID: 0f9bcb53-8a0e-4b0e-a1a7-3d0a0f5f2f11, not authorized',
      ],
      message: 'api error UnauthorizedOperation: StatusCode: 403, RequestID: …, not authorized',
    },
    {
      of: 'headers',
      attempts: [
        'x-ms-correlation-request-id: 51d182a3 Date: Thu, 01 Jan 2026 00:00:00 GMT Retry-After: 30',
        'x-ms-correlation-request-id: 0f9bcb53 Date: Fri, 02 Jan 2026 10:11:12 GMT Retry-After: 7',
      ],
      message: 'x-ms-correlation-request-id: … Date: … Retry-After: …',
    },
    {
      of: 'a bare UUID',
      attempts: [
        'not ready (51d182a3-a748-4bfd-858c-7c04c4b3297c)',
        'not ready (0f9bcb53-8a0e-4b0e-a1a7-3d0a0f5f2f11)',
      ],
      message: 'not ready (…)',
    },
    {
      of: 'a connection',
      attempts: [
        'read tcp 10.0.0.1:43210->10.0.0.2:443: connection reset by peer',
        'read tcp 10.0.0.1:50001->10.0.0.2:443: connection reset by peer',
      ],
      message: 'read tcp 10.0.0.1:…->10.0.0.2:443: connection reset by peer',
    },
    {
      of: 'the times of Go',
      attempts: [
        'No retries permitted until 2026-01-01 00:00:27.840627696 +0000 UTC m=+34.330095570 (durationBeforeRetry 500ms). at 2026/01/01 00:00:00 0xc000123456',
        'No retries permitted until 2026-01-01 00:02:29.1 +0000 UTC m=+156.3 (durationBeforeRetry 2m2s). at 2026/01/01 00:02:00 0xc000abcdef',
      ],
      message: 'No retries permitted until … (durationBeforeRetry …). at … 0x…',
    },
    {
      of: 'a unit of systemd',
      attempts: ['unit: run-r8f2.scope', 'unit: run-p1234-i5678.scope'],
      message: 'unit: run-….scope',
    },
    {
      of: 'volumes that the kubelet lists',
      attempts: [
        'unmounted volumes=[data], unattached volumes=[data config]: timed out',
        'unmounted volumes=[data], unattached volumes=[config data]: timed out',
      ],
      message: 'unmounted volumes=[data], unattached volumes=[config data]: timed out',
    },
  ])('of $of', ({ attempts, message }) => {
    expect(attempts.map(steady)).toEqual([message, message])
  })
})

test.each([
  `${attach}Attach volume "${disk}" to instance "aks-1-vmss000002" failed with Status=409 Code="AttachDiskWhileBeingDetached"`,
  `${attach}Cannot attach data disk 'b1380f4b-691d-45e5-ae65-3f1b20e0fed0' to VM 'k8s-vmss_11'`,
  `${attach}attachment timeout for volume ${disk}`,
  `${attach}volume attachment is being deleted`,
  'An operation with the given Volume ID projects/p/zones/us-central1-b/disks/pvc-1 already exists',
  'googleapi: Error 404: The resource was not found: request id is missing',
  'FailedMount: fsck found errors on device /dev/sdb at 0x10',
  'pods "a" is forbidden: exceeded quota: gpus, requested: 1, used: 4, limited: 4',
  'no room on 2026-01-01, 10:20 left',
])('"%s" is kept', (message) => {
  expect(steady(message)).toBe(message)
})

test('a long message takes no long time', () => {
  for (const part of [
    'request-',
    'id:',
    '1-',
    'a-1_',
    '2026-01-01T',
    'volumes=[',
    '" : ',
    'operation-1',
  ])
    steady(part.repeat(1024 / part.length))
})
