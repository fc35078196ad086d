import { InvalidArgumentError } from 'commander'

/** A local port on a command line; 0 is a free one. */
export function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('a port is 0 to 65535.')
  return port
}
