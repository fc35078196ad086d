import type { Response } from 'express'

/**
 * Responds with a message that says what is wrong, as a Status: of other bodies the API server would tell
 * the person who applies nothing.
 */
export const fail = (res: Response, code: number, message: string): void => {
  res.status(code).json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code })
}
