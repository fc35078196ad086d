import { pino } from 'pino'

/** How many bytes may wait to be written; further lines are dropped. */
const maxWaiting = 2 ** 20

/**
 * Logs one JSON line per event, to standard error by default: standard output is for the results of
 * commands. No request waits for its line: lines are written in batches, at least every 200 ms and when
 * the process ends.
 */
export function logger(to: number | string = 2, level = process.env.LOG_LEVEL ?? 'info') {
  const destination = pino.destination({
    dest: to,
    sync: false,
    minLength: 4096,
    maxLength: maxWaiting,
    periodicFlush: 200,
  })
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    survivingErrors(destination),
  )
}

export type Log = ReturnType<typeof logger>

/**
 * A full disk neither ends the process nor keeps it from ending: by default, the first failed write would
 * be an uncaught error, and the last one would be tried for ever. Lines that could not be written are
 * tried again with the next ones.
 */
function survivingErrors(destination: ReturnType<typeof pino.destination>) {
  let isFailing = false
  destination.on('error', () => {
    isFailing = true
  })
  destination.on('write', () => {
    isFailing = false
  })
  const flush = destination.flushSync.bind(destination)
  destination.flushSync = () => {
    if (!isFailing) flush()
  }
  return destination
}
