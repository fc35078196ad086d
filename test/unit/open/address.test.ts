import { describe, expect, test } from 'vitest'
import { addressOf, browserCommand, jupyterOf, plain, withoutToken } from '../../../open/address.ts'

describe('the address that Jupyter reports', () => {
  const reported = {
    base_url: '/',
    port: 8888,
    secure: false,
    token: 'abc',
    pid: 1,
    url: 'http://x/',
  }
  test.each([
    {
      what: 'its file',
      text: JSON.stringify(reported),
      is: { token: 'abc', path: '/' },
    },
    {
      what: 'its file, over several lines',
      text: JSON.stringify(reported, undefined, 2),
      is: { token: 'abc', path: '/' },
    },
    {
      what: 'its list, after a warning',
      text: `[JupyterServer] deprecated\n${JSON.stringify({ ...reported, base_url: '/lab/' })}\n`,
      is: { token: 'abc', path: '/lab/' },
    },
    {
      what: 'a password instead of a token',
      text: JSON.stringify({ ...reported, token: '', password: true, secure: true }),
      is: { token: '', path: '/' },
    },
    { what: 'nothing', text: '', is: undefined },
    { what: 'half a file', text: '{"port": 8888, "tok', is: undefined },
    { what: 'a shell’s complaint', text: 'cat: no such file', is: undefined },
    { what: 'JSON of something else', text: '{"hello": "world"}\nnull\n3', is: undefined },
  ])('$what', ({ text, is }) => {
    expect(jupyterOf(text)).toEqual(is)
  })
})

test.each([
  { jupyter: plain, is: 'http://127.0.0.1:9999/' },
  { jupyter: { ...plain, token: 'abc' }, is: 'http://127.0.0.1:9999/?token=abc' },
  { jupyter: { ...plain, token: 'a&b c' }, is: 'http://127.0.0.1:9999/?token=a%26b+c' },
  {
    jupyter: { token: 't', path: '/user/me/' },
    is: 'http://127.0.0.1:9999/user/me/?token=t',
  },
])('the address $is', ({ jupyter, is }) => {
  const address = addressOf(9999, jupyter)
  expect(address).toBe(is)
  expect(withoutToken(address)).not.toContain('token')
})

const address = 'http://127.0.0.1:8888/user/me%40x/'

test.each([
  ['linux', ['xdg-open', address]],
  ['freebsd', ['xdg-open', address]],
  ['darwin', ['open', address]],
  ['win32', ['D:\\Win\\System32\\rundll32.exe', 'url.dll,FileProtocolHandler', address]],
])('the browser of %s', (platform, command) => {
  expect(browserCommand(platform, address, { SystemRoot: 'D:\\Win' })).toEqual(command)
})
