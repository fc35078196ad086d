import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { aModel, aModelServer, complete, sync, theChild } from '../../objects.ts'

/** What the built-in presets start. */

const imported = complete(aModel({ source: 'hf://a/b' }), {
  url: 'pvc://falcon-model-artifacts/run/1',
})

const podOf = (runtime: string, more: object = {}) =>
  theChild(
    sync(aModelServer({ model: { name: 'falcon' }, runtime, ...more }), [imported]),
    'Deployment',
  ).spec.template.spec

function serverOf(runtime: string, more: object = {}) {
  const [container] = podOf(runtime, more).containers
  return container
}

const variablesOf = ({ env = [] }: { env?: { name: string; value: string }[] }) =>
  Object.fromEntries(env.map(({ name, value }) => [name, value]))

describe('the arguments of a preset', () => {
  const gpus = { resources: { gpu: { count: 2 } } }
  const vllm =
    '/content/model --served-model-name=falcon --tensor-parallel-size=2 --port=8080 --shutdown-timeout=50'
  test.each([
    { runtime: 'vllm', when: 'alone', more: gpus, args: vllm },
    {
      runtime: 'vllm',
      when: 'with the flags that earlier presets had',
      more: { ...gpus, args: ['--model={model}', '-tp', '1', '--shutdown-timeout', '9'] },
      args: '--served-model-name=falcon --port=8080 --model=/content/model -tp 1 --shutdown-timeout 9',
    },
    {
      runtime: 'vllm-embed',
      when: 'alone',
      more: gpus,
      args: vllm.replace(' --shutdown', ' --runner=pooling --shutdown'),
    },
    {
      runtime: 'llamacpp',
      when: 'alone',
      more: {},
      args: '--alias falcon --host 0.0.0.0 --port 8080 --metrics',
    },
    {
      runtime: 'llamacpp',
      when: 'with another name and port',
      more: { args: ['-a', 'mine', '--ctx-size', '4096'], port: 9000 },
      args: '--host 0.0.0.0 --port 9000 --metrics -a mine --ctx-size 4096',
    },
    {
      runtime: 'whisper',
      when: 'alone',
      more: {},
      args: '--host 0.0.0.0 --port 8080 --inference-path /v1/audio/transcriptions',
    },
  ])('of $runtime, $when', ({ runtime, more, args }) => {
    expect(serverOf(runtime, more).args.join(' ')).toBe(args)
  })

  test('tei reads variables, which repeat no flag', () => {
    const server = serverOf('tei', { args: ['--auto-truncate'], port: 9000 })
    expect(server.args).toEqual(['--auto-truncate'])
    expect(variablesOf(server)).toEqual({
      MODEL_ID: '/content/model',
      SERVED_MODEL_NAME: 'falcon',
      HOSTNAME: '0.0.0.0',
      PORT: '9000',
    })
  })

  test('the variables of the ModelServer win, as they are written', () => {
    const server = serverOf('tei', { env: { SERVED_MODEL_NAME: '{name}' } })
    expect(variablesOf(server).SERVED_MODEL_NAME).toBe('{name}')
  })

  test.each(['vllm', 'vllm-embed', 'llamacpp', 'tei', 'whisper'])(
    '%s is asked at /health whether it is ready',
    (runtime) => {
      expect(serverOf(runtime).readinessProbe.httpGet.path).toBe('/health')
    },
  )
})

describe('an answer under way is finished within the grace period', () => {
  test.each([
    { who: 'vllm by itself', runtime: 'vllm', sleep: 5 },
    { who: 'llamacpp, which cuts it on SIGTERM', runtime: 'llamacpp', sleep: 55 },
    { who: 'tei by itself', runtime: 'tei', sleep: 5 },
  ])('by $who', ({ runtime, sleep }) => {
    const pod = podOf(runtime)
    expect(pod.terminationGracePeriodSeconds).toBe(60)
    expect(pod.containers[0].lifecycle).toEqual({ preStop: { sleep: { seconds: sleep } } })
  })

  test('spec.command is run as it is', () => {
    const server = serverOf('vllm', { command: ['vllm', 'serve'], args: ['{model}'] })
    expect(server.args).toEqual(['/content/model'])
  })
})

describe('a server of ggml is started with the file of the model', () => {
  /** Runs the preset's command in a folder with such files, where the server prints its arguments. */
  function startedIn(runtime: string, files: readonly string[]): string {
    const folder = mkdtempSync(join(tmpdir(), 'preset-'))
    try {
      for (const file of files) {
        mkdirSync(dirname(join(folder, 'model', file)), { recursive: true })
        writeFileSync(join(folder, 'model', file), '')
      }
      const program = join(folder, `${runtime === 'whisper' ? 'whisper' : 'llama'}-server`)
      writeFileSync(program, '#!/bin/sh\necho "$@"\n', { mode: 0o755 })
      const { command, args } = serverOf(runtime, { args: ['--threads', '2'] })
      const [shell, ...words] = [...command, ...args] as [string, ...string[]]
      const local = (word: string) => word.replaceAll('/content/model', join(folder, 'model'))
      const env = { PATH: `${process.env.PATH}:${folder}` }
      return execFileSync(shell, words.map(local), { env, encoding: 'utf8' })
        .trim()
        .replaceAll(`${folder}/`, '')
    } catch (error) {
      return String((error as { stdout: string }).stdout)
        .trim()
        .replaceAll(`${folder}/`, '')
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  const ended = '--alias falcon --host 0.0.0.0 --port 8080 --metrics --threads 2'
  test.each([
    { what: 'one file', files: ['README.md', 'a.gguf'], starts: `--model model/a.gguf ${ended}` },
    {
      what: 'the first of several parts',
      files: ['Q4/a-00002-of-00002.gguf', 'Q4/a-00001-of-00002.gguf'],
      starts: `--model model/Q4/a-00001-of-00002.gguf ${ended}`,
    },
    {
      what: 'no projector',
      files: ['a-mmproj.gguf', 'b c.gguf'],
      starts: `--model model/b c.gguf ${ended}`,
    },
    { what: 'nothing', files: ['config.json'], starts: 'no file in model is named *.gguf' },
  ])('llamacpp: $what', ({ files, starts }) => {
    expect(startedIn('llamacpp', files)).toBe(starts)
  })

  test('whisper: the model, and not what detects voices', () => {
    expect(startedIn('whisper', ['ggml-silero-v5.bin', 'ggml-tiny.bin', 'a.bin'])).toBe(
      '--model model/ggml-tiny.bin --host 0.0.0.0 --port 8080 --inference-path /v1/audio/transcriptions --threads 2',
    )
  })
})
