import { type ClusterOptions, clusterOf } from '../cluster/kubeconfig.ts'
import { browse } from '../open/browser.ts'
import { builtPage } from '../ui/files.ts'
import { ui } from '../ui/ui.ts'

interface Options extends ClusterOptions {
  readonly port?: number
  readonly browser: boolean
}

/** Serves the page until Ctrl-C. */
export function uiCommand({ port, browser, ...options }: Options): Promise<number> {
  const { stdout, stderr } = process
  const cluster = clusterOf(options)
  return ui(
    { cluster, browser, page: builtPage, ...(port !== undefined && { port }) },
    { stdout, stderr, interrupted, browse, now: () => new Date().toISOString() },
  )
}

const interrupted = () =>
  new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve)
  })
