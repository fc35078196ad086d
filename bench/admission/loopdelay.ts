import { monitorEventLoopDelay } from 'node:perf_hooks'

/**
 * Preloaded into a server: tells its parent how late timers were since it was asked last. A timer is due
 * every millisecond, so that a value is up to a millisecond too high. The CPU time between two timers is
 * the same on a machine that nothing else uses, and steady on any other.
 */
const delay = monitorEventLoopDelay({ resolution: 1 })
let turns: number[] = []
let last = process.threadCpuUsage()

const measureTurn = (): void => {
  const now = process.threadCpuUsage()
  turns.push((now.user + now.system - last.user - last.system) / 1000)
  last = now
}

process.on('message', () => {
  // From the first question on, because what is measured takes memory.
  if (delay.enable()) setInterval(measureTurn, 1).unref()
  turns.sort((a, b) => a - b)
  process.send?.({
    p99: delay.percentile(99) / 1e6,
    max: delay.max / 1e6,
    cpuP99: turns[Math.floor(0.99 * (turns.length - 1))] ?? 0,
  })
  delay.reset()
  turns = []
})
process.channel?.unref()
