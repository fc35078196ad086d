import { useEffect, useRef, useState } from 'preact/hooks'
import { printable } from '../crds/text.ts'
import { followLog } from './api.ts'
import { type Pod, stageOf } from './core/things.ts'

interface Props {
  readonly namespace: string
  /** The newest first. */
  readonly pods: readonly Pod[]
  readonly isAllowed: boolean
}

/** The end of a log is kept, not all of it. */
const longestLog = 400_000

/** The log of a container, which is followed while it is shown. */
export function Logs({ namespace, pods, isAllowed }: Props) {
  const [chosen, setChosen] = useState('')
  const [isShown, setShown] = useState(false)
  const [isPrevious, setPrevious] = useState(false)
  const choices = pods.flatMap((pod) => {
    const { containers = [], initContainers = [] } = pod.spec ?? {}
    return [...containers, ...initContainers].map(({ name }) => ({
      key: `${pod.metadata.name}/${name}`,
      label: `${stageOf(pod)}: ${name} of ${pod.metadata.name} (${pod.status?.phase})`,
    }))
  })
  const key = choices.some((one) => one.key === chosen) ? chosen : choices[0]?.key
  const [pod = '', container = ''] = key?.split('/') ?? []
  return (
    <details onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <h3>Logs</h3>
      </summary>
      {!isAllowed && <p>You have no right to read logs: get pods/log.</p>}
      {isAllowed && !choices.length && <p>It has no Pods now.</p>}
      {isAllowed && isShown && key && (
        <>
          <label>
            Container{' '}
            <select value={key} onChange={(event) => setChosen(event.currentTarget.value)}>
              {choices.map((one) => (
                <option key={one.key} value={one.key}>
                  {one.label}
                </option>
              ))}
            </select>
          </label>{' '}
          <label>
            <input
              type="checkbox"
              checked={isPrevious}
              onChange={(event) => setPrevious(event.currentTarget.checked)}
            />{' '}
            before its last restart
          </label>
          <Log key={`${key}${isPrevious}`} {...{ namespace, pod, container, isPrevious }} />
        </>
      )}
    </details>
  )
}

interface LogProps {
  readonly namespace: string
  readonly pod: string
  readonly container: string
  readonly isPrevious: boolean
}

function Log({ namespace, pod, container, isPrevious }: LogProps) {
  const [text, setText] = useState('')
  const [end, setEnd] = useState('')
  const box = useRef<HTMLPreElement>(null)
  useEffect(() => {
    const ending = new AbortController()
    const heard = (piece: string) =>
      setText((before) => (before + printable(piece)).slice(-longestLog))
    followLog(namespace, { pod, container, previous: isPrevious }, heard, ending.signal).then(
      () => setEnd('The log has ended.'),
      (error: Error) => ending.signal.aborted || setEnd(error.message),
    )
    return () => ending.abort()
  }, [namespace, pod, container, isPrevious])
  // Who has scrolled up reads there.
  const wasAtEnd =
    !box.current ||
    box.current.scrollTop + box.current.clientHeight >= box.current.scrollHeight - 20
  useEffect(() => {
    if (wasAtEnd && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [text])
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <pre ref={box} role="log" aria-label={`Log of ${pod}`} tabIndex={0}>
        {text}
      </pre>
      <p role="status">{end}</p>
    </>
  )
}
