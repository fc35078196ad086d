import { readFileSync } from 'node:fs'
import type { KubeConfig, User } from '@kubernetes/client-node'

/** The kubelet replaces a mounted token long before it expires. */
const usedForMilliseconds = 10_000

/**
 * Makes a kubeconfig read its token files again once in a while. The client's own reader measures the time by
 * the clock of the machine: after the clock is set back, it would go on with a token that has expired.
 */
export function followTokenFiles(kubeConfig: KubeConfig): void {
  kubeConfig.users = kubeConfig.users.map((user) => {
    const file: unknown = user.authProvider?.config?.tokenFile
    if (typeof file !== 'string') return user
    const token = tokenIn(file)
    // The client asks its own readers first, so that this one has a name which they do not know.
    const name = `file ${file}`
    kubeConfig.addAuthenticator({
      isAuthProvider: ({ authProvider }: User) => authProvider?.name === name,
      applyAuthentication: async (_user, options) => {
        options.headers = { ...options.headers, Authorization: `Bearer ${token()}` }
      },
    })
    return { ...user, authProvider: { name } }
  })
}

/** The token in a file; the last one while the file cannot be read. */
function tokenIn(file: string): () => string {
  let last: { readonly token: string; readonly at: number } | undefined
  return () => {
    const at = performance.now()
    if (last && at - last.at < usedForMilliseconds) return last.token
    try {
      last = { token: readFileSync(file, 'utf8').trim(), at }
    } catch (error) {
      if (!last) throw error
    }
    return last.token
  }
}
