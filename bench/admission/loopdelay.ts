import { monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * Preloaded into a server: tells its parent how late timers were since it was asked last. Every
 * millisecond a timer is due, so that a value is up to a millisecond too high.
 */
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.on('message', () => {
  process.send?.({ p99: delay.percentile(99) / 1e6, max: delay.max / 1e6 })
  delay.reset()
})
process.channel?.unref()
