import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { root } from '../terminal/root.ts'

/** The page as `npm run build` makes it. */
export const builtPage = join(root, 'dist', 'page')

export interface PageFile {
  readonly type: string
  readonly bytes: Buffer
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** All files of the page by their paths, in memory: no path of a request reaches the disk. */
export function filesOf(folder: string): ReadonlyMap<string, PageFile> {
  if (!existsSync(join(folder, 'index.html')))
    throw new Error('the page is not built: npm run build, in the checkout, builds it')
  const file = (name: string): PageFile => ({
    type: types[extname(name)] ?? 'application/octet-stream',
    bytes: readFileSync(join(folder, name)),
  })
  const assets = readdirSync(join(folder, 'assets'))
  return new Map([
    ['/', file('index.html')],
    ...assets.map((name): [string, PageFile] => [`/assets/${name}`, file(join('assets', name))]),
  ])
}
