import { Writable } from 'node:stream'
import { Exec, type KubeConfig, type V1Status } from '@kubernetes/client-node'
import { type Jupyter, jupyterOf } from './address.ts'
import { socketsOf } from './sockets.ts'

/** Reads the file in which Jupyter stores its token; or asks Jupyter itself, if there is no shell. */
const commands: readonly (readonly string[])[] = [
  [
    'sh',
    '-c',
    'cat "$(ls -t "${JUPYTER_RUNTIME_DIR:-/run/jupyter}"/jpserver-*.json 2>/dev/null | head -n 1)"',
  ],
  ['jupyter', 'server', 'list', '--json'],
]

/** What the Jupyter in a container reports about itself; undefined if there is none. */
export async function jupyterIn(
  kubeConfig: KubeConfig,
  namespace: string,
  pod: string,
  container: string,
): Promise<Jupyter | undefined> {
  for (const command of commands) {
    const found = jupyterOf(await outputOf(kubeConfig, namespace, pod, container, command))
    if (found) return found
  }
  return undefined
}

const timeoutMilliseconds = 20_000

/** Jupyter's output has a few hundred bytes; that of a hostile image may never end. */
const maxBytes = 64 * 1024

/** The standard output of a command in a container, whatever its exit code. */
async function outputOf(
  kubeConfig: KubeConfig,
  namespace: string,
  pod: string,
  container: string,
  command: readonly string[],
): Promise<string> {
  const exec = new Exec(
    kubeConfig,
    socketsOf(kubeConfig, ['v5.channel.k8s.io', 'v4.channel.k8s.io'], maxBytes * 2),
  )
  const chunks: Buffer[] = []
  let bytes = 0
  let tooMuch = () => {}
  const stdout = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length
      if (bytes > maxBytes) tooMuch()
      else chunks.push(chunk)
      done()
    },
  })
  const args = [...command]
  let status: V1Status | undefined
  const socket = await exec.exec(
    namespace,
    pod,
    container,
    args,
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
    const late = setTimeout(() => giveUp('does not answer'), timeoutMilliseconds)
    tooMuch = () => giveUp(`answers with more than ${maxBytes} bytes`)
    if (bytes > maxBytes) tooMuch()
    socket.on('close', () => {
      clearTimeout(late)
      if (status) resolve()
      else reject(new Error(`the connection to Pod "${pod}" ended early`))
    })
  })
  return Buffer.concat(chunks).toString()
}
