import { useEffect, useRef, useState } from 'preact/hooks'
import { printable } from '../crds/text.ts'
import { paced } from '../ui/paced.ts'
import { followLog } from './api.ts'
import { isRunningIn, keyToShow, logTroubleOf } from './core/logs.ts'
import { type Pod, stageOf } from './core/things.ts'

interface Props {
  readonly namespace: string
  /** The newest first. */
  readonly pods: readonly Pod[]
  /** Undefined while that is not known. */
  readonly isAllowed: boolean | undefined
}

/** The end of a log is kept, not all of it. */
const longestLog = 400_000

/** A log that grows by thousands of lines a second is drawn a few times a second. */
const drawMilliseconds = 200

/** The log of a container, which is followed while it is shown. */
export function Logs({ namespace, pods, isAllowed }: Props) {
  const [chosen, setChosen] = useState('')
  const [isShown, setShown] = useState(false)
  const [isPrevious, setPrevious] = useState(false)
  const choices = pods.flatMap((pod) => {
    const { containers = [], initContainers = [] } = pod.spec ?? {}
    return [...containers, ...initContainers].map(({ name }) => ({
      pod,
      container: name,
      key: `${pod.metadata.name}/${name}`,
      label: `${stageOf(pod)}: ${name} of ${pod.metadata.name} (${pod.status?.phase ?? 'Pending'})`,
    }))
  })
  const former = useRef<(typeof choices)[number]>(undefined)
  const seen = useRef(new Set<string>())
  // A log that somebody reads stays when its Pod is gone, until there is a new Pod.
  const keys = choices.map(({ key }) => key)
  const key = keyToShow(keys, { chosen, former: former.current?.key, seen: seen.current })
  const present = choices.find((one) => one.key === key)
  const shown = present ?? former.current
  const isGone = shown !== undefined && !present
  former.current = isShown ? shown : undefined
  seen.current = new Set(isShown ? [...seen.current, ...keys] : [])
  return (
    <details onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <h3>Logs</h3>
      </summary>
      {isAllowed === false && <p>You have no right to read logs: get pods/log.</p>}
      {isAllowed && !choices.length && <p>It has no Pods now.</p>}
      {isAllowed && isGone && isShown && (
        <p>This is what Pod {shown?.pod.metadata.name} has written.</p>
      )}
      {isAllowed && isShown && shown && (
        <>
          <label>
            Container{' '}
            <select value={shown.key} onChange={(event) => setChosen(event.currentTarget.value)}>
              {(isGone ? [shown, ...choices] : choices).map((one) => (
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
          <Log
            key={`${shown.key}${isPrevious}`}
            pod={shown.pod}
            container={shown.container}
            namespace={namespace}
            isPrevious={isPrevious}
            isGone={isGone}
          />
        </>
      )}
    </details>
  )
}

interface LogProps {
  readonly namespace: string
  readonly pod: Pod
  readonly container: string
  readonly isPrevious: boolean
  /** Whether the Pod has been deleted. */
  readonly isGone: boolean
}

/** How long to wait before a log is read again. */
const pauseMilliseconds = 2000

/** A progress bar draws over its own line again and again: each time becomes a line. */
const lines = (piece: string): string =>
  printable(piece.replace(/\r\n?/g, '\n').replaceAll('\t', '    '))

function Log({ namespace, pod, container, isPrevious, isGone }: LogProps) {
  const [text, setText] = useState('')
  const [end, setEnd] = useState('')
  const box = useRef<HTMLPreElement>(null)
  const newest = useRef({ pod, isGone })
  newest.current = { pod, isGone }
  // The next Pod of a Notebook has the same name.
  const { name, uid } = pod.metadata
  useEffect(() => {
    const ending = new AbortController()
    const { signal } = ending
    const options = { pod: name, container, previous: isPrevious }
    /** Reads the log once, and tells whether there may be more to read. */
    const read = async (): Promise<boolean> => {
      let isOpen = false
      // A further read repeats the last lines, so it replaces what is shown.
      let got = ''
      const drawing = paced(() => {
        if (got && !signal.aborted) setText(got)
      }, drawMilliseconds)
      try {
        await followLog(
          namespace,
          options,
          (piece) => {
            isOpen = true
            setEnd('')
            got = (got + lines(piece)).slice(-longestLog)
            drawing.wake()
          },
          signal,
        )
        const isCut = !isPrevious && isRunningIn(newest.current.pod, container)
        if (!signal.aborted && !isCut) setEnd('The log has ended.')
        return isCut
      } catch (error) {
        if (signal.aborted) return false
        // Cut off: the next attempt finds out why.
        if (isOpen) return true
        const { says, isPassing } = logTroubleOf(error as Error, newest.current.pod, isPrevious)
        setEnd(says)
        return isPassing
      }
    }
    const run = async (): Promise<void> => {
      while (!signal.aborted && (await read())) {
        await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds))
        // What it has written last may arrive after its deletion, but nothing more can be read.
        if (newest.current.isGone && !signal.aborted) return setEnd('The log has ended.')
      }
    }
    void run()
    return () => ending.abort()
  }, [namespace, name, uid, container, isPrevious])
  // The text does not scroll while somebody has scrolled up to read.
  const wasAtEnd =
    !box.current ||
    box.current.scrollTop + box.current.clientHeight >= box.current.scrollHeight - 20
  useEffect(() => {
    if (wasAtEnd && box.current) box.current.scrollTop = box.current.scrollHeight
  }, [text])
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <pre ref={box} role="log" aria-label={`Log of ${name}`} tabIndex={0}>
        {text}
      </pre>
      <p role="status">{end}</p>
    </>
  )
}
