import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { root } from '../../terminal/root.ts'
import { apply, get, namespace, ok, until } from '../cluster/cluster.ts'
import { smallInternet } from './internet.ts'
import { commit, leave, serverFor, untilSays } from './realnode.ts'

/**
 * The examples as they stand, with real training and real serving. Only the address of this repository is
 * replaced. llamacpp.test.ts has the first one, and gateway.test.ts those that need a gateway.
 */

const repository = 'https://github.com/substratusai/substratus.git'
const contents = 'https://raw.githubusercontent.com/substratusai/substratus/main'

const folder = join(root, 'examples')
const manifests = readdirSync(folder).filter((name) => /^(?!01|07|08).*\.yaml$/.test(name))

/** The code of the examples, by path in this repository. */
const code = Object.fromEntries(
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== folder)
    .map(({ parentPath, name }) => [
      join('examples', basename(parentPath), name),
      readFileSync(join(parentPath, name), 'utf8'),
    ]),
)

let ends: readonly (() => unknown)[] = []
let ns: string

beforeAll(async () => {
  const internet = await smallInternet({ builds: true })
  const files = await serverFor(({ url }, response) =>
    response.end(readFileSync(join(root, url ?? ''))),
  )
  ends = [internet.end, files.stop]
  ns = await namespace('examples')
  const { url } = commit(`${ns}/substratus`, code)
  for (const name of manifests)
    await apply(
      ns,
      readFileSync(join(folder, name), 'utf8')
        .replaceAll(repository, url)
        .replaceAll(contents, files.url),
    )
})
afterAll(async () => {
  for (const end of ends) await end()
})

/** The log of a Model’s or Dataset’s container that did the work. */
const logOf = async (what: string, stage: string): Promise<string> => {
  const { stages } = (await get(ns, what)).status
  return ok(['-n', ns, 'logs', `job/${stages[stage].job}`, '-c', stage])
}

/** The answer of a server; kube-proxy learns about a ready Pod a moment later. */
async function asked<T>(server: string, path: string, more: RequestInit = {}): Promise<T> {
  const { clusterIP } = (await get(ns, `service/${server}`)).spec
  return until(
    async () => (await fetch(`http://${clusterIP}:8080${path}`, more)).json() as T,
    () => true,
    20,
  )
}

test('02: a Dataset is loaded from a URL, and its checksum is right', async () => {
  await untilSays(ns, 'dataset/english', 'True Done: loaded into pvc://')
})

test('03: a Dataset is made by code from Git', async () => {
  await untilSays(ns, 'dataset/questions', 'True Done: loaded into pvc://')
  expect(await logOf('dataset/questions', 'load')).toContain('12 questions')
})

test('04: a Model that is an image is served by its own program', async () => {
  await untilSays(ns, 'model/sentiment', 'True Done: the image is the model')
  await untilSays(ns, 'modelserver/sentiment', 'True Serving')
  expect(await asked('sentiment-server', '/?text=what+a+lovely+day')).toEqual({
    sentiment: 'positive',
    score: 3,
  })
})

const lossOf = async (model: string) => {
  const [, first, last] = /^loss (\S+) -> (\S+)$/m.exec(await logOf(`model/${model}`, 'run')) ?? []
  console.log(`the loss of ${model}: ${first} -> ${last}`)
  return { first: Number(first), last: Number(last) }
}

const trainedAnswer = ' One or more containers that run together.'

/** How a server continues a question of the Dataset. */
async function completed(server: string, model?: string): Promise<string | undefined> {
  const body = JSON.stringify({ model, prompt: 'Q: What is a Pod?\nA:', max_tokens: 42 })
  const { choices } = await asked<{ choices: readonly { text: string }[] }>(
    server,
    '/v1/completions',
    { method: 'POST', body },
  )
  return choices[0]?.text
}

test('05: a language model is trained, fine-tuned, packaged and served', async () => {
  const { progress } = await until(
    async () => (await get(ns, 'model/writer')).status,
    (status) => Number(status?.progress?.metrics?.loss) < 5,
    240,
  )
  expect(progress).toMatchObject({ stage: 'run', curve: [{ metric: 'loss', over: 'step' }] })
  expect(progress.percent).toBeGreaterThan(0)
  await untilSays(ns, 'model/writer', 'True Done: packaged as', 280)
  const base = await lossOf('writer')
  expect(base.first).toBeGreaterThan(4)
  expect(base.last).toBeLessThan(2.8)
  await untilSays(ns, 'model/writer-k8s', 'True Done: packaged as')
  const tuned = await lossOf('writer-k8s')
  // It begins with what its base has learned, so less than a new model would.
  expect(tuned.first).toBeLessThan(base.first)
  expect(tuned.last).toBeLessThan(0.5)
  await untilSays(ns, 'modelserver/writer-k8s', 'True Serving')
  expect(await completed('writer-k8s-server')).toBe(trainedAnswer)
}, 600_000)

test('06: a Notebook has the fine-tuned model and its data', async () => {
  await untilSays(ns, 'notebook/explore', 'True Serving')
  const list = 'ls /content/model /content/data'.split(' ')
  const listed = await ok(['-n', ns, 'exec', 'explore-notebook-0', '-c', 'notebook', '--', ...list])
  expect(listed.split('\n')).toEqual(expect.arrayContaining(['weights.npz', 'questions.txt']))
})

test('09: one server answers as its base and as the adapter that was trained on it', async () => {
  await untilSays(ns, 'model/faq', 'True Done: served from storage')
  const { first, last } = await lossOf('faq')
  expect(last).toBeLessThan(first / 3)
  const { id } = (await get(ns, 'model/writer')).status.artifacts
  expect((await get(ns, 'model/faq')).status.artifacts.adapter).toEqual({
    format: 'peft',
    rank: 16,
    base: id,
  })
  await untilSays(ns, 'modelserver/writer-all', 'True Serving')
  expect(await completed('writer-all-server', 'faq')).toBe(trainedAnswer)
  expect(await completed('writer-all-server', 'writer-all')).not.toContain('containers')
  await leave(ns)
})
