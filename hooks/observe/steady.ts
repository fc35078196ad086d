import { onOneLine } from '../../crds/text.ts'

/**
 * Parts of a message that differ in each attempt although the cause is the same: otherwise each attempt
 * would change a condition. They are recognized by their form, so that they are found in the messages of
 * any cloud, proxy or driver.
 */
const passing: readonly (readonly [RegExp, string])[] = [
  // RequestID: 1a2b, request id: 1a2b, "activityId": "1a2b", tracking id '1a2b', x-ms-correlation-request-id: 1a2b
  [
    /\b((?:[\w-]*[ _-])?(?:request|correlation|trac(?:e|king)|span|activity|operation|error)[ _-]?id["'\\]*[:=]? *["'\\]*)(?=[\w-]*\d)[\w-]+/gi,
    '$1…',
  ],
  // A UUID in a name, a path or quotes may belong to a disk, and those do not change.
  [/(?<![\w/."'-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w/"'-])/gi, '…'],
  // The name of an operation in Google Cloud begins with its time.
  [/\boperation-\d{9,}-[0-9a-f-]*[0-9a-f]/g, 'operation-…'],
  // 2026-01-01T00:00:00.5Z, 20260101T000000Z, 2026/01/01 00:00:00, 2026-01-01 00:00:00.5 +0000 UTC m=+1.5
  [
    /\b\d{4}([-/]?)\d\d\1\d\d[T ]\d\d:?\d\d:?\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d)\b)?(?: UTC| GMT)?(?: m=[+-][\d.]*\d)?/g,
    '…',
  ],
  // Thu, 01 Jan 2026 00:00:00 GMT
  [/\b[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})/g, '…'],
  // RetryAfter: 121s, Retry-After: 30, "retryDelay": "1.5s", durationBeforeRetry 1m4s
  [
    /((?:retry[ -]?(?:after|delay|in)|before ?retry)["'\\]*[:=]? *["'\\]*)\d(?:[\d.]*\d)?(?:[a-zµ]{1,2}\d[\d.]*)*(?:[a-zµ]{1,2}\b)?/gi,
    '$1…',
  ],
  // "measuredRequestCount": 1200
  [/\b(measured\w*["'\\]*[:=] *)\d+/g, '$1…'],
  // read tcp 10.0.0.1:43210->10.0.0.2:443
  [/(:)\d+(?=->)/g, '$1…'],
  [/\b0x[0-9a-f]{8,}\b/g, '0x…'],
  [/\brun-[\w-]+\.scope\b/g, 'run-….scope'],
]

/** The kubelet lists volumes in no particular order. */
const sorted = (_: string, volumes: string): string =>
  `volumes=[${volumes.split(' ').sort().join(' ')}]`

/** The message of an Event on one line, the same for each attempt. */
export const steady = (message: string): string =>
  passing
    .reduce((text, [part, instead]) => text.replace(part, instead), onOneLine(message))
    .replace(/volumes=\[([^\]]*)\]/g, sorted)
    .replace(/("[^"]*") : /g, '$1: ')
