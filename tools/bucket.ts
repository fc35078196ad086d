import { diskFull } from './report.ts'
import { lastLines } from './run.ts'
import type { Source } from './source.ts'

/** s3:// and gs:// by rclone, in the words of the tools that everybody has credentials for. */

type Bucket = Extract<Source, { scheme: 's3' | 'gs' }>

type Env = Readonly<Record<string, string | undefined>>

/** rclone's remotes as environment variables: AWS_* and GOOGLE_APPLICATION_CREDENTIALS are honoured. */
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
          ...(env.GOOGLE_APPLICATION_CREDENTIALS
            ? { RCLONE_CONFIG_GS_SERVICE_ACCOUNT_FILE: env.GOOGLE_APPLICATION_CREDENTIALS }
            : { RCLONE_CONFIG_GS_ENV_AUTH: 'true' }),
        }
  return { RCLONE_CONFIG: '/dev/null', ...known }
}

export const remoteOf = ({ scheme, bucket, path }: Bucket): string =>
  `${scheme}:${bucket}${path ? `/${path}` : ''}`

/** Copies what is not there yet, and then compares all of it by checksum. */
export function rcloneArgs(source: Bucket, into: string) {
  const from = remoteOf(source)
  const ways = ['--retries=5', '--low-level-retries=10', '--stats=10s', '--stats-one-line']
  return [
    ['copy', from, into, '--checksum', '--transfers=8', ...ways],
    ['check', from, into, '--one-way', ...ways],
  ]
}

const lostConnection =
  /connection (refused|reset by peer|timed out)|unexpected EOF|broken pipe|i\/o timeout|no such host/gi

export function rcloneFault(said: string, { address }: Bucket): string {
  if (/NoSuchBucket|directory not found|bucket doesn't exist/i.test(said))
    return `${address} does not exist`
  if (
    /AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|status code: 40[13]|NoCredentialProviders/i.test(
      said,
    )
  )
    return `${address} refuses the credentials: give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in spec.env, from a Secret`
  if (/no space left on device/i.test(said)) return diskFull
  const lost = said.match(lostConnection)?.at(-1)
  if (lost) return `${address} cannot be reached: ${lost}`
  return `${address} cannot be loaded: ${lastLines(said, 2)}`
}
