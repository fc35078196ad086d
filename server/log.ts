import { pino } from 'pino'

/**
 * Logs one JSON line per event, to standard error by default: standard output is for the results of
 * commands. No request waits for its line: lines are written in batches, at least every 200 ms and when
 * the process ends.
 */
export const logger = (to: number | string = 2, level = process.env.LOG_LEVEL ?? 'info') =>
  pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: to, sync: false, minLength: 4096, periodicFlush: 200 }),
  )

export type Log = ReturnType<typeof logger>
