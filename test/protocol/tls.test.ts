import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeAuthority, makeCertificate } from '../../cluster/certificates.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-tls-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a changed certificate is served to new connections; half a change or an invalid file is not', async () => {
  const lifetime = { from: new Date(Date.now() - 1000), until: new Date(Date.now() + 86_400_000) }
  const ca = await makeAuthority({ subject: { commonName: 'ca' }, ...lifetime })
  const made = () =>
    makeCertificate({
      ca,
      subject: { commonName: '127.0.0.1' },
      names: ['127.0.0.1'],
      purposes: ['serverAuth'],
      ...lifetime,
    })
  const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
  const first = await made()
  writeFileSync(cert, first.cert)
  writeFileSync(key, first.key)
  const child = spawn(process.execPath, [
    ...['cli/main.ts', 'serve', '--https', '127.0.0.1:0'],
    ...['--tls-cert', cert, '--tls-key', key],
  ])
  try {
    let log = ''
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk
    })
    while (!log.includes('"url"')) await once(child.stderr, 'data')
    const port = Number(/"url":"https:\/\/127.0.0.1:(\d+)"/.exec(log)?.[1])
    const open = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port, ca: ca.cert }, () => {
          resolve(socket.getPeerX509Certificate()?.toString() ?? '')
          socket.destroy()
        })
        socket.on('error', reject)
      })
    expect(await open()).toBe(first.cert)

    const second = await made()
    writeFileSync(cert, second.cert)
    await expect.poll(() => log, { timeout: 15_000 }).toContain('the old one stays')
    expect(await open()).toBe(first.cert)
    writeFileSync(key, second.key)
    await expect.poll(open, { timeout: 15_000 }).toBe(second.cert)

    writeFileSync(cert, 'nonsense')
    await expect.poll(() => log.match(/the old one stays/g), { timeout: 15_000 }).toHaveLength(2)
    expect(await open()).toBe(second.cert)
  } finally {
    child.kill('SIGKILL')
  }
}, 60_000)
