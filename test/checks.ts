import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CheckName, remediesFor } from './remedies.ts'

/**
 * `npm run check`: everything that needs no test runner, in parallel. Types, format, lint and import
 * direction, unused code, stale generated files; and the built server answers a request, because code
 * that passes in tests can still fail to load. Each finding comes with a line that says what to do.
 */

interface Result {
  readonly name: CheckName
  readonly ok: boolean
  readonly output: string
}

const run = (name: CheckName, command: string, ...args: readonly string[]) =>
  new Promise<Result>((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const add = (chunk: Buffer) => {
      output += chunk
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', (error) => resolve({ name, ok: false, output: error.message }))
    child.on('close', (code) => resolve({ name, ok: code === 0, output }))
  })

async function builtServerAnswers(): Promise<Result> {
  const out = mkdtempSync(join(tmpdir(), 'substratus-check-'))
  const name = 'built server'
  try {
    const build = await run(name, 'tsc', '-p', 'tsconfig.build.json', '--outDir', join(out, 'dist'))
    if (!build.ok) return build
    // Next to node_modules, so that imports of packages resolve.
    const link = await run(
      name,
      'ln',
      '-s',
      `${process.cwd()}/node_modules`,
      join(out, 'node_modules'),
    )
    const manifest = await run(name, 'cp', 'package.json', out)
    if (!link.ok || !manifest.ok) return link.ok ? manifest : link
    const server = spawn(
      process.execPath,
      [join(out, 'dist/cli/main.js'), 'serve', '--http', '127.0.0.1:0'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    try {
      const url = await listeningAt(server)
      const response = await fetch(`${url}/hooks/models/sync`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          parent: {
            apiVersion: 'substratus.ai/v1',
            kind: 'Model',
            metadata: { name: 'check' },
            spec: { image: 'example.com/model' },
          },
        }),
      })
      const { status } = (await response.json()) as { status?: { ready?: boolean } }
      return { name, ok: status?.ready === true, output: `answered ${response.status}` }
    } finally {
      server.kill()
    }
  } catch (error) {
    return { name, ok: false, output: String(error) }
  } finally {
    rmSync(out, { recursive: true })
  }
}

const listeningAt = (server: ChildProcess) =>
  new Promise<string>((resolve, reject) => {
    let text = ''
    server.stderr?.on('data', (chunk: Buffer) => {
      text += chunk
      const url = /"url":"([^"]+)"/.exec(text)?.[1]
      if (url) resolve(url)
    })
    server.on('close', () => reject(new Error(`the server ended: ${text}`)))
  })

const results = await Promise.all([
  run('types', 'tsc', '-p', '.'),
  run('types', 'tsc', '-p', 'page'),
  run('format, lint, imports', 'biome', 'check', '--error-on-warnings', '.'),
  run('unused code', 'knip'),
  run('generated files', process.execPath, 'generate/main.ts', '--check'),
  builtServerAnswers(),
])
for (const { name, ok, output } of results) {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name}`)
  if (ok) continue
  console.log(output.trimEnd())
  for (const line of remediesFor(name, output)) console.log(`  to do: ${line}`)
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1
