import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../command.ts'

/** kubectl for one cluster. */
export interface Kubectl {
  readonly run: (args: readonly string[], input?: string) => Promise<string>
  /** Objects, applied by the server as field manager "substratus-up". */
  readonly apply: (objects: readonly object[]) => Promise<void>
  readonly applyFiles: (paths: readonly string[], more?: readonly string[]) => Promise<void>
}

/** Transient errors: a CRD is not served yet, a webhook is not reachable yet. */
const passing =
  /no matches for kind|ensure CRDs are installed first|could not find the requested resource|failed calling webhook|connection refused|forbidden: error looking up service account|not yet ready/

export function kubectl(binary: string, kubeconfig: string, signal?: AbortSignal): Kubectl {
  const env = { ...process.env, KUBECONFIG: kubeconfig }
  const run = (args: readonly string[], input?: string) =>
    command(binary, args, {
      env,
      ...(input !== undefined && { input }),
      ...(signal && { signal }),
    })

  const patiently = async (args: readonly string[], input?: string): Promise<void> => {
    const until = Date.now() + 45_000
    for (;;) {
      try {
        await run(args, input)
        return
      } catch (error) {
        signal?.throwIfAborted()
        if (!(error instanceof Error && passing.test(error.message) && Date.now() < until))
          throw error
      }
      await sleep(200)
    }
  }

  const server = ['--server-side', '--force-conflicts', '--field-manager=substratus-up']
  return {
    run,
    // kubectl fails if there is nothing to apply.
    apply: async (objects) =>
      objects.length
        ? patiently(
            ['apply', ...server, '-f', '-'],
            JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
          )
        : undefined,
    applyFiles: (paths, more = server) =>
      patiently(['apply', ...more, ...paths.flatMap((path) => ['-f', path])]),
  }
}
