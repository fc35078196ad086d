import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { stringify } from 'yaml'
import { programNamed } from '../../platform/node/requirements.ts'
import { freePorts } from '../../platform/ports.ts'
import { endProcess, launch, waitUntil } from '../../platform/processes.ts'
import type { Shown } from './cluster.ts'

/** A series of the result of a query. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A rule, as Prometheus has evaluated it. */
export interface Evaluated {
  readonly name: string
  readonly health: 'unknown' | 'ok' | 'err'
  readonly lastError?: string
}

export interface Prometheus {
  /** Its own pages are there, too. */
  readonly url: string
  readonly query: (text: string) => Promise<readonly Series[]>
  readonly rules: () => Promise<readonly Evaluated[]>
  /** The labels of each alert that is pending or firing. */
  readonly alerts: () => Promise<readonly Series['labels'][]>
  readonly end: () => Promise<void>
}

/** Debian's Prometheus, which scrapes and evaluates every second. */
export async function startPrometheus(
  scraped: readonly object[],
  groups: readonly object[],
): Promise<Prometheus> {
  const { dir } = inject('cluster')
  const folder = join(dir, 'prometheus')
  mkdirSync(folder)
  writeFileSync(join(folder, 'rules.yml'), stringify({ groups }))
  writeFileSync(
    join(folder, 'prometheus.yml'),
    stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      scrape_configs: scraped,
    }),
  )
  const file = programNamed('prometheus')
  if (!file) throw new Error('prometheus is not on PATH: apt-get install prometheus')
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const process = launch({
    dir,
    name: 'prometheus',
    file,
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
  })
  await waitUntil(dir, process, () => answers(`${url}/-/ready`))
  const asked = async (path: string, body?: URLSearchParams): Promise<Shown> => {
    const response = await fetch(`${url}/api/v1/${path}`, body && { method: 'POST', body })
    const { status, error, data } = (await response.json()) as Shown
    if (status !== 'success') throw new Error(error)
    return data
  }
  return {
    url,
    query: async (query) =>
      (await asked('query', new URLSearchParams({ query }))).result.map(
        ({ metric, value }: Shown) => ({ labels: metric, value: Number(value[1]) }),
      ),
    rules: async () => (await asked('rules')).groups.flatMap((group: Shown) => group.rules),
    alerts: async () => (await asked('alerts')).alerts.map(({ labels }: Shown) => labels),
    end: () => endProcess(process),
  }
}

/** Whether a program answers at an address; before it listens, it does not. */
export const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
