import { pino } from 'pino'

/** One JSON line per event on standard error; standard output belongs to commands. */
export const logger = (level = process.env.LOG_LEVEL ?? 'info') =>
  pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))

export type Log = ReturnType<typeof logger>
