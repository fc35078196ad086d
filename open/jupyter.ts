import { Writable } from 'node:stream'
import { Exec, type KubeConfig, type V1Status } from '@kubernetes/client-node'
import { type Jupyter, jupyterOf } from './address.ts'
import { socketsOf } from './sockets.ts'

/** Where Jupyter writes down its token; and Jupyter's own answer, should there be no shell. */
const questions: readonly (readonly string[])[] = [
  [
    'sh',
    '-c',
    'cat "$(ls -t "${JUPYTER_RUNTIME_DIR:-/run/jupyter}"/jpserver-*.json 2>/dev/null | head -n 1)"',
  ],
  ['jupyter', 'server', 'list', '--json'],
]

/** What the Jupyter in a container says of itself; undefined where no Jupyter does. */
export async function jupyterIn(
  kubeConfig: KubeConfig,
  namespace: string,
  pod: string,
  container: string,
): Promise<Jupyter | undefined> {
  for (const command of questions) {
    const found = jupyterOf(await said(kubeConfig, namespace, pod, container, command))
    if (found) return found
  }
  return undefined
}

const patienceMilliseconds = 20_000

/** Jupyter's response has a few hundred bytes; a hostile one may never end. */
const mostBytes = 64 * 1024

/** What a command in a container writes, whatever its exit code. */
async function said(
  kubeConfig: KubeConfig,
  namespace: string,
  pod: string,
  container: string,
  command: readonly string[],
): Promise<string> {
  const exec = new Exec(
    kubeConfig,
    socketsOf(kubeConfig, ['v5.channel.k8s.io', 'v4.channel.k8s.io'], mostBytes * 2),
  )
  const chunks: Buffer[] = []
  let bytes = 0
  let tooMuch = () => {}
  const stdout = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length
      if (bytes > mostBytes) tooMuch()
      else chunks.push(chunk)
      done()
    },
  })
  const words = [...command]
  let status: V1Status | undefined
  const socket = await exec.exec(
    namespace,
    pod,
    container,
    words,
    stdout,
    null,
    null,
    false,
    (it) => {
      status = it
    },
  )
  await new Promise<void>((resolve, reject) => {
    const giveUp = (why: string) => {
      socket.terminate()
      reject(new Error(`"${command[0]}" in Pod "${pod}" ${why}`))
    }
    const late = setTimeout(() => giveUp('does not answer'), patienceMilliseconds)
    tooMuch = () => giveUp(`answers with more than ${mostBytes} bytes`)
    if (bytes > mostBytes) tooMuch()
    socket.on('close', () => {
      clearTimeout(late)
      if (status) resolve()
      else reject(new Error(`the connection to Pod "${pod}" ended early`))
    })
  })
  return Buffer.concat(chunks).toString()
}
