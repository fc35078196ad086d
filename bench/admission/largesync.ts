import { aModel, applied, completed, requestFor, sync } from '../../test/objects.ts'
import { fieldsOf } from '../managedfields.ts'

/** The sync of a Model with so many Jobs of earlier attempts that its body has 5 MiB. */
export function largeSync(): string {
  const model = aModel({ image: 'example.com/train:1', params: { epochs: 3 } })
  const request = requestFor(model)
  const job = applied(sync(model), completed).find(({ kind }) => kind === 'Job')
  if (!job) throw new Error('the sync has no Job')
  const { metadata, spec } = job
  const managedFields = [
    {
      manager: 'metacontroller',
      operation: 'Update',
      apiVersion: 'batch/v1',
      time: '2026-01-01T00:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: fieldsOf({ metadata, spec }),
    },
  ]
  const earlier = (number: number) => {
    const attempt = number.toString(16).padStart(8, '0').padEnd(16, '0')
    const name = metadata.name.replace(/[0-9a-f]{8}$/, attempt.slice(0, 8))
    const annotations = { ...metadata.annotations, 'substratus.ai/attempt': attempt }
    return [name, { ...job, metadata: { ...metadata, name, annotations, managedFields } }] as const
  }
  const count = Math.ceil((5 * 1024 * 1024) / JSON.stringify(earlier(0)[1]).length)
  const jobs = Object.fromEntries(Array.from({ length: count }, (_, number) => earlier(number)))
  return JSON.stringify({ ...request, children: { ...request.children, 'Job.batch/v1': jobs } })
}
