import { describe, expect, test } from 'vitest'
import {
  addressOf,
  browserCommand,
  jupyterOf,
  plain,
  withoutToken,
} from '../../../../cli/open/address.ts'

describe('what Jupyter says of itself', () => {
  const said = { base_url: '/', port: 8888, secure: false, token: 'abc', pid: 1, url: 'http://x/' }
  test.each([
    {
      what: 'its file',
      text: JSON.stringify(said),
      is: { token: 'abc', path: '/', secure: false },
    },
    {
      what: 'its file, over several lines',
      text: JSON.stringify(said, undefined, 2),
      is: { token: 'abc', path: '/', secure: false },
    },
    {
      what: 'its list, after a warning',
      text: `[JupyterServer] deprecated\n${JSON.stringify({ ...said, base_url: '/lab/' })}\n`,
      is: { token: 'abc', path: '/lab/', secure: false },
    },
    {
      what: 'a password instead of a token',
      text: JSON.stringify({ ...said, token: '', password: true, secure: true }),
      is: { token: '', path: '/', secure: true },
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
    jupyter: { token: 't', path: '/user/me/', secure: true },
    is: 'https://127.0.0.1:9999/user/me/?token=t',
  },
])('the address $is', ({ jupyter, is }) => {
  const address = addressOf(9999, jupyter)
  expect(address).toBe(is)
  expect(withoutToken(address)).not.toContain('token')
})

test.each([
  ['linux', 'xdg-open http://x'],
  ['freebsd', 'xdg-open http://x'],
  ['darwin', 'open http://x'],
  ['win32', 'cmd /c start "" http://x'],
])('the browser of %s: %s', (platform, command) => {
  expect(browserCommand(platform, 'http://x').join(' ')).toBe(command)
})
