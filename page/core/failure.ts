/** A refusal has a code; without one, there was no answer, or it was cut off. */
export interface Failure {
  readonly code?: number
  readonly message: string
}

/** Whether the same request may succeed later. 429: the API server has too many requests now. */
export const mayPass = ({ code }: Failure): boolean =>
  code === undefined || code === 429 || code >= 500
