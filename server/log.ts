import { pino } from 'pino'

/**
 * One JSON line per event, on standard error unless told otherwise: standard output belongs to
 * commands. No request waits for its line to be written: lines go together, after 200 ms at the latest,
 * and what is left then when the process ends.
 */
export const logger = (to: number | string = 2, level = process.env.LOG_LEVEL ?? 'info') =>
  pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: to, sync: false, minLength: 4096, periodicFlush: 200 }),
  )

export type Log = ReturnType<typeof logger>
