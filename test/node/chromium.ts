import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import WebSocket from 'ws'
import { until } from '../cluster/cluster.ts'
import type { Json } from '../objects.ts'

/** A page in headless Chromium, controlled by the DevTools protocol. */
export interface Page {
  readonly go: (address: string) => Promise<void>
  /** The value of an expression in the page. */
  readonly ask: (expression: string) => Promise<unknown>
  /** Waits until an expression is true in the page. */
  readonly untilTrue: (expression: string, seconds?: number) => Promise<unknown>
  readonly press: (key: string, modifiers?: number) => Promise<void>
  /** The page as a PNG. */
  readonly picture: () => Promise<Buffer>
  readonly close: () => Promise<void>
}

export const shift = 8
export const control = 2

interface Answer {
  readonly id?: number
  readonly error?: { readonly message: string }
  /** Each command has an answer of its own. */
  readonly result?: Json
}

export async function chromium(width = 1280, height = 620): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), 'substratus-chromium-'))
  const child = spawn('chromium', [
    '--headless=new',
    // Tests run as root, and Chromium refuses its sandbox there.
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--no-first-run',
    // Background work of a browser would slow down a small machine.
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-extensions',
    '--disable-sync',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
    'about:blank',
  ])
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  let log = ''
  child.on('error', ({ message }) => {
    log += message
  })
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk
  })
  const listening = /DevTools listening on (ws:\S+)/
  await until(
    async () => log,
    (text) => listening.test(text) || /ENOENT/.test(text),
    60,
  )
  const [, address] = listening.exec(log) ?? []
  if (!address) throw new Error(`chromium cannot be started; apt-get install chromium: ${log}`)
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))

  const waiting = new Map<number, (answer: Answer) => void>()
  socket.on('message', (data) => {
    const answer: Answer = JSON.parse(String(data))
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })
  let count = 0
  const send = async (method: string, params: object = {}, sessionId?: string) => {
    const id = ++count
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
    socket.send(JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) }))
    const { error, result } = await answered
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
  const page = (method: string, params: object = {}) => send(method, params, sessionId)
  await page('Page.enable')
  await page('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    deviceScaleFactor: 1,
    mobile: false,
  })

  const ask = async (expression: string) => {
    const { result, exceptionDetails } = await page('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`)
    return result.value
  }
  return {
    go: async (url) => {
      const { errorText } = await page('Page.navigate', { url })
      if (errorText) throw new Error(`${url}: ${errorText}`)
    },
    ask,
    untilTrue: (expression, seconds = 180) =>
      until(() => ask(`Boolean(${expression})`), Boolean, seconds),
    press: async (key, modifiers = 0) => {
      const code = key.length === 1 ? `Key${key.toUpperCase()}` : key
      const windowsVirtualKeyCode = key === 'Enter' ? 13 : key.toUpperCase().charCodeAt(0)
      const event = { key, code, modifiers, windowsVirtualKeyCode }
      await page('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...event })
      await page('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
    },
    picture: async () => {
      const { data } = await page('Page.captureScreenshot', { format: 'png' })
      return Buffer.from(data, 'base64')
    },
    close: async () => {
      await send('Browser.close').catch(() => {})
      child.kill()
      await ended
      rmSync(profile, { recursive: true, force: true })
    },
  }
}
