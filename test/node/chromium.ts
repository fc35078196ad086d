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
  /** Types into what has the focus. */
  readonly type: (text: string) => Promise<void>
  readonly emulate: (screen: Screen) => Promise<void>
  /** Errors that nothing has caught, what the page's policy has refused, and dialogs. */
  readonly complaints: string[]
  /** Another tab of the same browser, in front of this one, which is hidden then. */
  readonly tab: () => Promise<Page>
  /** Puts it in front of the other tabs. */
  readonly show: () => Promise<void>
  /** The page as a PNG. */
  readonly picture: () => Promise<Buffer>
  readonly close: () => Promise<void>
}

interface Screen {
  readonly width?: number
  readonly height?: number
  readonly isDark?: boolean
}

export const shift = 8
export const control = 2

const keyCodes: Readonly<Record<string, number>> = { Tab: 9, Enter: 13, Escape: 27 }

interface Answer {
  readonly id?: number
  /** Of an event, which has no id. */
  readonly method?: string
  readonly params?: Json
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
  const complaints: string[] = []
  socket.on('message', (data) => {
    const answer: Answer = JSON.parse(String(data))
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
    const complaint = complaintIn(answer)
    if (complaint) complaints.push(complaint)
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
  const tab = async (isFirst = false): Promise<Page> => {
    const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
    const page = (method: string, params: object = {}) => send(method, params, sessionId)
    for (const domain of ['Page', 'Runtime', 'Log']) await page(`${domain}.enable`)
    const emulate = async (screen: Screen) => {
      await page('Emulation.setDeviceMetricsOverride', {
        width: screen.width ?? width,
        height: screen.height ?? height,
        deviceScaleFactor: 1,
        mobile: false,
      })
      const value = screen.isDark ? 'dark' : 'light'
      await page('Emulation.setEmulatedMedia', {
        features: [{ name: 'prefers-color-scheme', value }],
      })
    }
    await emulate({})

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
        until(() => ask(`Boolean(${expression})`), Boolean, seconds, 50),
      press: async (key, modifiers = 0) => {
        const code = key.length === 1 ? `Key${key.toUpperCase()}` : key
        const windowsVirtualKeyCode = keyCodes[key] ?? key.toUpperCase().charCodeAt(0)
        const event = { key, code, modifiers, windowsVirtualKeyCode }
        // A button is pressed by the character of the key, not by the key.
        const types = key === 'Enter' && !modifiers
        await page('Input.dispatchKeyEvent', {
          ...event,
          ...(types ? { type: 'keyDown', text: '\r' } : { type: 'rawKeyDown' }),
        })
        await page('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
      },
      type: async (text) => {
        await page('Input.insertText', { text })
      },
      emulate,
      complaints,
      tab: () => tab(),
      show: () => page('Page.bringToFront'),
      picture: async () => {
        const { data } = await page('Page.captureScreenshot', { format: 'png' })
        return Buffer.from(data, 'base64')
      },
      close: async () => {
        if (!isFirst) return void (await send('Target.closeTarget', { targetId }))
        await send('Browser.close').catch(() => {})
        child.kill()
        await ended
        rmSync(profile, { recursive: true, force: true })
      },
    }
  }
  return tab(true)
}

/** What an event of the browser tells of a fault of the page. */
function complaintIn({ method, params }: Answer): string | undefined {
  switch (method) {
    case 'Runtime.exceptionThrown': {
      const { text, exception } = params.exceptionDetails
      return `${text} ${exception?.description ?? ''}`
    }
    case 'Page.javascriptDialogOpening':
      return `dialog: ${params.message}`
    case 'Log.entryAdded': {
      const { source, level, text } = params.entry
      // A request that was refused is no fault of the page.
      return level === 'error' && source !== 'network' ? `${source}: ${text}` : undefined
    }
    default:
      return undefined
  }
}
