import type { Response } from 'express'

/** Responds with a message that says what is wrong. */
export const fail = (res: Response, code: number, message: string): void => {
  res.status(code).json({ message })
}
