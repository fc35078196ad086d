/** The published release of Metacontroller that this project is made for and tested with. */
export const released = {
  repository: 'ghcr.io/metacontroller/metacontroller',
  tag: 'v4.17.2',
} as const

/** Metacontroller's defaults, 5 workers and 5 requests per second, suit only a handful of objects. */
export const flags = ['--workers=20', '--client-go-qps=200', '--client-go-burst=400'] as const
