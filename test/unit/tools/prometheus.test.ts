import { expect, test } from 'vitest'
import { sumsIn } from '../../../tools/prometheus.ts'

test('samples of a name are summed, whatever their labels', () => {
  const text = `
# HELP vllm:num_requests_running Requests. vllm:num_requests_running 7
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a"} 1.0
vllm:num_requests_running{engine="1",model_name="} 9"} 2.0 1767225600000
vllm:num_requests_running_max 100
llamacpp:n_decode_total 1e3
other 5
empty
strange{a="b"} NaN
`
  const names = [
    'vllm:num_requests_running',
    'llamacpp:n_decode_total',
    'missing',
    'empty',
    'strange',
  ]
  expect(Object.fromEntries(sumsIn(text, names))).toEqual({
    'vllm:num_requests_running': 3,
    'llamacpp:n_decode_total': 1000,
  })
})
