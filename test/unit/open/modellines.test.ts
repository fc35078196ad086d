import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { namesOf } from '../../../gateway/core/names.ts'
import type { Server } from '../../../gateway/core/servers.ts'
import { curlLine, modelLines, modelToTry, pythonLine } from '../../../open/modellines.ts'

const server = (name: string, more: Partial<Server> = {}): Server => ({
  namespace: 'team',
  name,
  created: `2026-01-01T00:00:00Z`,
  model: 'falcon',
  aliases: [],
  adapters: [],
  served: [],
  knows: 'falcon',
  state: 'awake',
  isHindered: false,
  says: 'Serving: 1 of 1 replicas available',
  replicas: [{ address: `${name}:8080`, hash: 1, knows: 'falcon', model: 'falcon' }],
  ...more,
})
const linesOf = (...servers: readonly Server[]) => [...modelLines(namesOf(servers)).values()]

describe('each ModelServer has a line', () => {
  test.each<{ what: string; more: Partial<Server>; line: string }>([
    { what: 'that answers', more: {}, line: 'chat (falcon): ready' },
    {
      what: 'that fails with its new template while Pods of the old one answer',
      more: { state: 'failed', says: 'ImagePullFailed: no' },
      line: 'chat (falcon): ready',
    },
    {
      what: 'that sleeps',
      more: { state: 'asleep', replicas: [] },
      line: 'chat (falcon): asleep; a request wakes it',
    },
    {
      what: 'that starts',
      more: { replicas: [], says: 'Starting: Pod "p" loads' },
      line: 'chat (falcon): Starting: Pod "p" loads',
    },
    {
      what: 'that was stopped, and whose Pods end',
      more: { state: 'stopped', says: 'Suspended: spec.suspend is true' },
      line: 'chat (falcon): Suspended: spec.suspend is true',
    },
    {
      what: 'with a Model of its own name',
      more: { model: 'chat' },
      line: 'chat: ready',
    },
    {
      what: 'with aliases',
      more: { aliases: ['o1', 'gpt-4o'] },
      line: 'chat (falcon, gpt-4o, o1): ready',
    },
  ])('one $what', ({ more, line }) => {
    expect(linesOf(server('chat', more))).toEqual([line])
  })

  test('sorted, with the names that lead to it and no other', () => {
    const shared = { aliases: ['o1'] }
    expect(
      linesOf(server('chat-b', shared), server('chat-a', { ...shared, created: '2026-01-02' })),
    ).toEqual(['chat-a (o1): ready', 'chat-b (falcon, o1): ready'])
  })
})

describe('the model of the example', () => {
  const asleep = { state: 'asleep', replicas: [] } as const
  const starting = { replicas: [] }
  test.each([
    { of: [server('a', starting), server('b', asleep), server('c')], is: 'c' },
    { of: [server('a', starting), server('b', asleep)], is: 'b' },
    { of: [server('a', starting)], is: 'a' },
    { of: [], is: 'NAME' },
  ])('is $is', ({ of, is }) => {
    expect(modelToTry(namesOf(of))).toBe(is)
  })
})

/** What a shell makes of a line. */
const wordsOf = (line: string): readonly string[] =>
  execFileSync('sh', ['-c', `words() { printf '%s\\0' "$@"; }; words ${line}`], {
    encoding: 'utf8',
  })
    .split('\0')
    .slice(0, -1)

describe('the line to ask, in a shell', () => {
  const base = 'http://127.0.0.1:8080/v1'

  test('by curl', () => {
    const words = wordsOf(curlLine(base, 'chat'))
    expect(words.slice(0, -1)).toEqual([
      'curl',
      `${base}/chat/completions`,
      '-H',
      'content-type: application/json',
      '-d',
    ])
    expect(JSON.parse(words.at(-1) ?? '')).toEqual({
      model: 'chat',
      messages: [{ role: 'user', content: 'Hello' }],
    })
  })

  test('by Python', () => {
    const [python, option, program, ...more] = wordsOf(pythonLine(base, 'chat'))
    expect([python, option, more]).toEqual(['python3', '-c', []])
    expect(program).toContain(`base_url="${base}"`)
    expect(program).toContain('model="chat"')
  })
})
