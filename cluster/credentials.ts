import type { RequestOptions } from 'node:https'
import type { KubeConfig } from '@kubernetes/client-node'
import { reasonOf } from './reason.ts'

/** Adds the credentials of a kubeconfig to a request: certificates, a token, or what its plugin prints. */
export async function authenticate(kubeConfig: KubeConfig, options: RequestOptions): Promise<void> {
  try {
    await kubeConfig.applyToHTTPSOptions(options)
  } catch (error) {
    const { command } = kubeConfig.getCurrentUser()?.exec ?? {}
    if (command === undefined) throw error
    throw new Error(`"${command}", which the kubeconfig runs for credentials, ${failureIn(error)}`)
  }
}

/** The client reports what the plugin has written to standard error, which may be nothing. */
function failureIn(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'is not installed'
  const said = reasonOf(error).trim()
  return said ? `failed: ${said}` : 'failed without a message'
}
