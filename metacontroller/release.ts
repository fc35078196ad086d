/** The Metacontroller that this project is made for and tested with, as it is published. */
export const released = {
  repository: 'ghcr.io/metacontroller/metacontroller',
  tag: 'v4.17.2',
} as const

/** Its own defaults, 5 workers and 5 requests a second, are for a handful of objects. */
export const flags = ['--workers=20', '--client-go-qps=200', '--client-go-burst=400'] as const
