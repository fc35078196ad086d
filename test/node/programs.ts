import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../terminal/root.ts'

/** The tour of docs/tutorial-from-git-to-an-answer.md: numbers y = 3x + 2, a line that is fitted to them, and its server. */
export const tour = join(root, 'docs/tour')

const program = (folder: string) =>
  Object.fromEntries(
    readdirSync(join(tour, folder)).map((name) => [
      name,
      readFileSync(join(tour, folder, name), 'utf8'),
    ]),
  )

export const dataset = program('numbers')
export const origin = program('origin')
/** Fits slope and intercept by gradient descent from where the base is. */
export const trainer = program('line')
