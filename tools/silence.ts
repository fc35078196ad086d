/** A signal that aborts when `reset` is not called for a while, or when another signal aborts. */
export function silenceAfter(milliseconds: number, signal?: AbortSignal) {
  const silence = new AbortController()
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing came for ${milliseconds / 1000} s`)),
    milliseconds,
  )
  return {
    signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    reset: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  }
}
