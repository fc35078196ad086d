/** A signal that fires once nothing has been heard for a while, or when another one does. */
export function silenceAfter(milliseconds: number, signal?: AbortSignal) {
  const silence = new AbortController()
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing came for ${milliseconds / 1000} s`)),
    milliseconds,
  )
  return {
    signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    heard: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  }
}
