import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { reasonOf } from './reason.ts'

/** Adds the credentials of a kubeconfig to a request: certificates, a token, or what its plugin prints. */
export async function authenticate(kubeConfig: KubeConfig, options: RequestOptions): Promise<void> {
  try {
    await kubeConfig.applyToHTTPSOptions(options)
  } catch (error) {
    const { command } = kubeConfig.getCurrentUser()?.exec ?? {}
    const { syscall, path, code } = error as NodeJS.ErrnoException
    // The client reads the files of certificates and keys for each request.
    const isAboutFile = syscall !== undefined && !syscall.startsWith('spawn')
    // Reading a folder fails without its path.
    const file = path === undefined ? 'a file' : `the file "${path}"`
    if (isAboutFile) throw new Error(`${file}, which the kubeconfig names, ${whyUnread(code)}`)
    if (command === undefined) throw error
    throw new Error(`the credential plugin "${command}" of the kubeconfig ${failureIn(error)}`)
  }
}

const whyUnread = (code: string | undefined): string => {
  switch (code) {
    case 'ENOENT':
      return 'does not exist'
    case 'EACCES':
      return 'cannot be read: permission denied'
    case 'EISDIR':
      return 'is a folder'
    default:
      return `cannot be read: ${code}`
  }
}

/** The client reports what the plugin has written to standard error, which may be nothing. */
function failureIn(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'is not installed'
  const said = reasonOf(error).trim()
  return said ? `failed: ${said}` : 'failed without a message'
}
