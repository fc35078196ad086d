import { existsSync } from 'node:fs'
import { filtersOf } from './globs.ts'
import { untrusted } from './network.ts'
import { diskFull } from './report.ts'
import { lastLines } from './run.ts'
import type { Source } from './source.ts'

/** Loads s3:// and gs:// with rclone, configured by the usual variables of AWS and Google Cloud. */

type Bucket = Extract<Source, { scheme: 's3' | 'gs' }>

type Env = Readonly<Record<string, string | undefined>>

/** rclone's remotes as environment variables: AWS_* and GOOGLE_APPLICATION_CREDENTIALS are respected. */
export function bucketEnv(scheme: 's3' | 'gs', env: Env): Readonly<Record<string, string>> {
  const endpoint = env.AWS_ENDPOINT_URL_S3 ?? env.AWS_ENDPOINT_URL
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION
  const known: Record<string, string> =
    scheme === 's3'
      ? {
          RCLONE_CONFIG_S3_TYPE: 's3',
          RCLONE_CONFIG_S3_PROVIDER: endpoint ? 'Other' : 'AWS',
          RCLONE_CONFIG_S3_ENV_AUTH: 'true',
          ...(endpoint && {
            RCLONE_CONFIG_S3_ENDPOINT: endpoint,
            RCLONE_CONFIG_S3_FORCE_PATH_STYLE: 'true',
          }),
          ...(region && { RCLONE_CONFIG_S3_REGION: region }),
        }
      : {
          RCLONE_CONFIG_GS_TYPE: 'google cloud storage',
          RCLONE_CONFIG_GS_BUCKET_POLICY_ONLY: 'true',
          ...googleCredentials(env.GOOGLE_APPLICATION_CREDENTIALS?.trim()),
        }
  return { RCLONE_CONFIG: '/dev/null', ...known }
}

/**
 * Google's variable normally names a file; from a Secret in env it contains the key itself. Any other
 * value is not passed to rclone, which would print the name of a file that it cannot open.
 */
function googleCredentials(given: string | undefined): Readonly<Record<string, string>> {
  if (!given) return { RCLONE_CONFIG_GS_ENV_AUTH: 'true' }
  if (isKey(given)) return { RCLONE_CONFIG_GS_SERVICE_ACCOUNT_CREDENTIALS: given }
  if (existsSync(given)) return { RCLONE_CONFIG_GS_SERVICE_ACCOUNT_FILE: given }
  throw new Error(
    'GOOGLE_APPLICATION_CREDENTIALS is neither the JSON key of a service account nor an existing file: give the whole key in spec.env, from a Secret',
  )
}

function isKey(text: string): boolean {
  try {
    return typeof JSON.parse(text)?.private_key === 'string'
  } catch {
    return false
  }
}

export const remoteOf = ({ scheme, bucket, path }: Bucket): string =>
  `${scheme}:${bucket}${path ? `/${path}` : ''}`

/** Counts the files that the patterns select. */
export const countArgs = (source: Bucket, patterns: readonly string[]): readonly string[] => [
  'size',
  remoteOf(source),
  '--json',
  ...filtersOf(patterns),
]

/** How a copy is made: it tries again, and prints how far it is. */
export const persistently: readonly string[] = [
  '--retries=5',
  '--low-level-retries=10',
  '--stats=5s',
  '--stats-one-line',
  // Otherwise, it prints them only with -v.
  '--stats-log-level=NOTICE',
]

/** Copies the missing files, then compares all files by checksum. */
export function rcloneArgs(source: Bucket, into: string, patterns: readonly string[]) {
  const from = remoteOf(source)
  const flags = [...filtersOf(patterns), ...persistently]
  return [
    ['copy', from, into, '--checksum', '--transfers=8', ...flags],
    ['check', from, into, '--one-way', ...flags],
  ]
}

const lostConnection =
  /connection (refused|reset by peer|timed out)|unexpected EOF|broken pipe|i\/o timeout|no such host/gi

/** A line of its progress, which says nothing about a failure. */
const statistics = /^.* \/ .*, ETA .*$/gm

const credentialsOf = {
  s3: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  gs: 'the JSON key of a service account as GOOGLE_APPLICATION_CREDENTIALS',
} as const

export function rcloneFault(output: string, { address, scheme }: Bucket): string {
  if (/NoSuchBucket|directory not found|bucket doesn't exist/i.test(output))
    return `${address} does not exist`
  if (
    /AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|status code: 40[13]|NoCredentialProviders|googleapi: Error 40[13]|oauth2: cannot fetch token|invalid_grant|error processing credentials|private key should be a PEM|could not find default credentials/i.test(
      output,
    )
  )
    return `${address} refuses the credentials: give ${credentialsOf[scheme]} in spec.env, from a Secret`
  if (/can't limit to single files/i.test(output))
    return `spec.files: ${address} is one file: remove files`
  if (/x509: |tls: failed to verify/i.test(output)) return `${address}: ${untrusted}`
  if (/no space left on device/i.test(output)) return diskFull
  const lost = output.match(lostConnection)?.at(-1)
  if (lost) return `${address} cannot be reached: ${lost}`
  return `${address} cannot be loaded: ${lastLines(output.replace(statistics, ''), 2)}`
}
