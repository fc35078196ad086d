/**
 * What passes over a connection to a server, as far as idleness needs it. A connection that has sent only
 * probes and scrapes is no work, however long it stays open. From the first other byte on, every byte is
 * activity, and a request without any answer yet is, too: a long one may be silent until it is done.
 */
export interface ConnectionUse {
  /** Whether these bytes of the client are activity. */
  readonly sent: (chunk: Buffer) => boolean
  /** Whether these bytes of the server are activity. */
  readonly answered: () => boolean
  /** Whether the client has sent something after which the server has sent nothing. */
  readonly isWaiting: () => boolean
}

/** Longer heads are of no probe. */
const longestHead = 16_384

/** A GET or HEAD of HTTP/1, which has no body. */
const requestLine = /^(?:GET|HEAD) ([^ ]+) HTTP\/1\.[01]\r\n/

const hasBody = /\r\n(?:content-length: *[1-9]|transfer-encoding:|upgrade:)/i

/** In HTTP/1 the two sides take turns, unless the connection becomes a WebSocket. */
const takesTurns = (head: string): boolean =>
  /^[A-Z]+ [^ ]+ HTTP\/1\.[01]\r\n/.test(head) && !/\r\nupgrade:/i.test(head)

export function connectionUse(probePaths: readonly string[]): ConnectionUse {
  const probes = new Set(probePaths)
  let unread = ''
  let isWork = false
  let hasTurns = false
  let isWaiting = false

  const isProbe = (head: string): boolean => {
    const path = requestLine.exec(head)?.[1]
    return path !== undefined && probes.has(path) && !hasBody.test(head)
  }

  /** Reads the heads that are complete, until one is of no probe. */
  function read(chunk: Buffer): void {
    unread += chunk.toString('latin1')
    while (unread) {
      const end = unread.indexOf('\r\n\r\n')
      const head = end < 0 ? unread : unread.slice(0, end + 4)
      if (end < 0 && mayBecomeProbe(head)) return
      if (end < 0 || !isProbe(head)) {
        isWork = true
        hasTurns = takesTurns(head)
        unread = ''
        return
      }
      unread = unread.slice(head.length)
    }
  }

  return {
    sent: (chunk) => {
      if (!isWork) read(chunk)
      isWaiting = isWork && hasTurns
      return isWork
    },
    answered: () => {
      isWaiting = false
      return isWork
    },
    isWaiting: () => isWaiting,
  }
}

/** Whether this may be the beginning of a probe's head. */
const mayBecomeProbe = (head: string): boolean =>
  head.length <= longestHead &&
  ['GET /', 'HEAD /'].some((start) =>
    head.length < start.length ? start.startsWith(head) : head.startsWith(start),
  )
