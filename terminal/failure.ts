/** The message for the user of a command: system errors are worded as in kubectl. */
export function failureOf(error: unknown): string {
  const { code, path, address, port, message } = error as NodeJS.ErrnoException & {
    readonly address?: string
    readonly port?: number
  }
  switch (code) {
    case 'ENOENT':
      return path ? `the path "${path}" does not exist` : message
    case 'EACCES':
      return path ? `no right to read "${path}"` : `no right to listen on ${address}:${port}`
    case 'EISDIR':
      return `${path ? `"${path}"` : 'what was named'} is a folder, not a file`
    case 'EADDRINUSE':
      return `${address}:${port} is in use: another process listens there`
    case 'EADDRNOTAVAIL':
      return `${address} is no address of this machine`
    default:
      return error instanceof Error ? message : String(error)
  }
}
