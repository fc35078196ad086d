import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { freePorts } from '../../../platform/ports.ts'

test('ports differ, and none can be taken by an outgoing connection', async () => {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
  const [firstOutgoing = 0] = range.trim().split(/\s+/).map(Number)
  const ports = await freePorts(200)
  expect(new Set(ports).size).toBe(200)
  expect(Math.max(...ports)).toBeLessThan(firstOutgoing)
})
