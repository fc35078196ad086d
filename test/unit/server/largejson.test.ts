import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseInSteps, scanInSteps } from '../../../server/largejson.ts'
import { scanOf } from '../../../server/scan.ts'

const bounds = { maxValues: 1_000_000, maxDepth: 1000 }

async function parsed(text: string, limits = bounds): Promise<unknown> {
  const bytes = Buffer.from(text)
  const scan = scanOf(bytes, limits)
  return (await scanInSteps(bytes, scan)) ? parseInSteps(bytes, scan) : 'over a limit'
}

describe('a text that is parsed in steps has the same value', () => {
  test('whatever its shape', async () => {
    const any = fc.json({ maxDepth: 8 })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          any,
          any.map((inner) => `{"a":[{"b":${inner}}]}`),
        ),
        async (text) => {
          expect(await parsed(text)).toEqual(JSON.parse(text))
        },
      ),
      { numRuns: 500 },
    )
  })

  test.each([
    {
      what: 'lists that look like a number of a piece',
      text: '{"a":{"b":{"c":[0],"d":[1],"e":0}}}',
    },
    { what: 'a key that occurs twice', text: '{"a":{"b":{"c":[1],"c":{"d":2},"e":[3]}}}' },
    {
      what: 'brackets, quotes and backslashes in strings',
      text: '{"a":{"b":{"c":["]}\\"\\\\",{"[{":"é🙂"}]}}}',
    },
    { what: 'space between everything', text: ' { "a" : { "b" : { "c" : [ 1 , 2 ] } } } ' },
    { what: 'no list or object so deep', text: '{"a":{"b":1}}' },
    { what: 'more small pieces than children can be', text: `[[[${'[1],'.repeat(21_000)}[2]]]]` },
  ])('$what', async ({ text }) => {
    expect(await parsed(text)).toEqual(JSON.parse(text))
  })

  test('and "__proto__" is only a key', async () => {
    const text = '{"a":{"__proto__":{"__proto__":{"polluted":true}}}}'
    const value = await parsed(text)
    expect(JSON.stringify(value)).toBe(text)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

test('what is no JSON is refused', async () => {
  const good = '{"a":{"b":{"c":{"d":[1]},"e":{}}}}'
  const broken = fc
    .tuple(fc.nat(good.length - 1), fc.constantFrom('', '{', '}', '[', ']', '"', ',', '\\', 'x'))
    .map(([at, sign]) => good.slice(0, at) + sign + good.slice(at + 1))
  const outcome = async (parse: () => unknown) => {
    try {
      return { value: await parse() }
    } catch (error) {
      return (error as Error).name
    }
  }
  await fc.assert(
    fc.asyncProperty(broken, async (text) => {
      expect(await outcome(() => parsed(text))).toEqual(await outcome(() => JSON.parse(text)))
    }),
    { numRuns: 500 },
  )
})

test('a limit stops the scan, wherever it is reached', async () => {
  const many = JSON.stringify(Array.from({ length: 200_000 }, (_, at) => at))
  expect(await parsed(many, { maxValues: 199_000, maxDepth: 10 })).toBe('over a limit')
  expect(await parsed(`${'['.repeat(11)}${']'.repeat(11)}`, { maxValues: 100, maxDepth: 10 })).toBe(
    'over a limit',
  )
})

test('other work is done between the steps', async () => {
  const job = { spec: { containers: Array.from({ length: 40 }, (_, at) => ({ name: `c${at}` })) } }
  const jobs = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`job-${at}`, job]))
  const text = JSON.stringify({ children: { 'Job.batch/v1': jobs } })
  let turns = 0
  const timer = setInterval(() => turns++)
  expect(await parsed(text)).toEqual(JSON.parse(text))
  clearInterval(timer)
  expect(turns).toBeGreaterThan(2)
})
