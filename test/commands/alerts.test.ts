import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { findHelm } from '../../platform/binaries/find.ts'
import { root } from '../../terminal/root.ts'

/** The alerts of the chart, as Prometheus' own tool evaluates them: Debian's package prometheus has it. */

interface Rule {
  readonly alert: string
  readonly labels: object
  readonly annotations: { readonly summary: string; readonly description: string }
}

let folder: string
let rules: readonly Rule[]

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'substratus-alerts-'))
  const helm = await findHelm({ progress: console.log })
  const values = 'alerts.enabled=true,tls.secretName=a,tls.ca=a,config.images.prefix=example.com/a'
  const args = ['template', 'substratus', 'helm', '--show-only', 'templates/monitoring.yaml']
  const text = execFileSync(helm, [...args, '--set', values], { cwd: root, encoding: 'utf8' })
  const { spec } = parse(text)
  writeFileSync(join(folder, 'rules.yaml'), stringify(spec))
  rules = spec.groups.flatMap((group: { rules: Rule[] }) => group.rules)
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true }))

const promtool = (...args: readonly string[]): string => {
  const { error, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' })
  if (error) throw new Error(`promtool cannot run; apt-get install prometheus: ${error.message}`)
  return stdout + stderr
}

test('promtool finds nothing wrong with the rules', () => {
  expect(promtool('check', 'rules', '--lint-fatal', 'rules.yaml')).toBe(
    `Checking rules.yaml\n  SUCCESS: ${rules.length} rules found\n\n`,
  )
})

/** Series with a value for each minute, in promtool's words: `0+60x10` begins at 0 and grows by 60. */
type Series = Readonly<Record<string, string>>

interface Case {
  readonly alert: string
  /** When it fires, for the title. */
  readonly when: string
  readonly firing: Series
  /** A similar state that is healthy. */
  readonly healthy: Series
  readonly labels?: object
  /** What the administrator reads. */
  readonly summary: string
  /** After how many minutes; an hour, unless something must last longer. */
  readonly minutes?: number
}

const server = 'service="substratus"'
const gateway = 'service="substratus-gateway-metrics"'
const team = { namespace: 'team', name: 'm', customresource_kind: 'Model' }
const model = 'namespace="team",name="m",customresource_kind="Model"'
const always = (value: number) => `${value}x180`
const counted = (perMinute: number) => `0+${perMinute}x180`

const requests = (route: string, code: number) =>
  `substratus_request_duration_seconds_count{${server},route="${route}",code="${code}"}`
/** Requests of which a part takes more than a second. */
const took = (route: string, slow: number): Series => ({
  [`substratus_request_duration_seconds_bucket{${server},route="${route}",code="200",le="0.1"}`]:
    counted(100 - slow),
  [`substratus_request_duration_seconds_bucket{${server},route="${route}",code="200",le="1"}`]:
    counted(100 - slow),
  [`substratus_request_duration_seconds_bucket{${server},route="${route}",code="200",le="5"}`]:
    counted(100),
  [`substratus_request_duration_seconds_bucket{${server},route="${route}",code="200",le="+Inf"}`]:
    counted(100),
})
const condition = (type: string, reason: string) =>
  `substratus_condition{${model},type="${type}",reason="${reason}"}`
const suspended = { [`substratus_suspended{${model}}`]: always(0) }
const answers = (code: number) =>
  `substratus_gateway_requests_total{${gateway},namespace="team",model="chat",code="${code}"}`

const cases: readonly Case[] = [
  {
    alert: 'SubstratusDown',
    when: 'no server answers, one of two is healthy',
    firing: { [`up{${server},pod="a"}`]: always(0), [`up{${server},pod="b"}`]: always(0) },
    healthy: { [`up{${server},pod="a"}`]: always(0), [`up{${server},pod="b"}`]: always(1) },
    summary: 'No server of Substratus answers.',
  },
  {
    alert: 'SubstratusWebhookUnreachable',
    when: 'the API server cannot call a webhook; refusals are healthy, and so are webhooks of others that fail',
    firing: {
      'apiserver_admission_webhook_rejection_count{name="validate.substratus.ai",error_type="calling_webhook_error"}':
        counted(1),
    },
    healthy: {
      'apiserver_admission_webhook_rejection_count{name="validate.substratus.ai",error_type="no_error"}':
        counted(9),
      'apiserver_admission_webhook_rejection_count{name="validate.example.com",error_type="calling_webhook_error"}':
        counted(9),
    },
    labels: { name: 'validate.substratus.ai' },
    summary: 'The API server cannot call the webhook validate.substratus.ai.',
  },
  {
    alert: 'SubstratusHooksFail',
    when: 'syncs fail; a busy server that asks to wait is healthy',
    firing: { [requests('/hooks/models/sync', 500)]: counted(1) },
    healthy: {
      [requests('/hooks/models/sync', 200)]: counted(60),
      [requests('/hooks/models/sync', 429)]: counted(5),
    },
    summary: 'Substratus answers some requests with errors.',
  },
  {
    alert: 'SubstratusHooksFail',
    when: 'the token is wrong',
    firing: { [requests('/hooks/models/sync', 401)]: counted(1) },
    healthy: { [requests('/hooks/models/sync', 401)]: always(3) },
    summary: 'Substratus answers some requests with errors.',
  },
  {
    alert: 'SubstratusAdmissionSlow',
    when: 'one review in fifty is slow; slow hooks do not count',
    firing: took('/admission/validate', 2),
    healthy: { ...took('/admission/validate', 0), ...took('/hooks/models/sync', 50) },
    summary: 'One kubectl apply in a hundred waits for more than a second.',
  },
  {
    alert: 'SubstratusHooksSlow',
    when: 'one hook request in fifty is slow; slow reviews do not count',
    firing: took('/hooks/models/sync', 2),
    healthy: { ...took('/hooks/models/sync', 0), ...took('/admission/validate', 50) },
    summary: 'One hook request in a hundred takes more than a second.',
  },
  {
    alert: 'SubstratusWatchSilent',
    when: 'a watch of the gateway is silent; a short silence is healthy',
    firing: {
      [`substratus_watch_silence_seconds{${gateway},pod="g",watch="ModelServer"}`]: '0+60x180',
    },
    healthy: {
      [`substratus_watch_silence_seconds{${gateway},pod="g",watch="ModelServer"}`]:
        '25x90 90x2 10x88',
    },
    labels: { pod: 'g', watch: 'ModelServer' },
    summary: 'The watch of ModelServer in Pod g of Substratus is silent.',
  },
  {
    alert: 'SubstratusCertificateEnds',
    when: 'it ends in ten days; plain HTTP has none',
    firing: {
      [`substratus_certificate_expiry_timestamp_seconds{${server},pod="a"}`]: always(10 * 86400),
    },
    healthy: {
      [`substratus_certificate_expiry_timestamp_seconds{${server},pod="a"}`]: always(30 * 86400),
      [`substratus_certificate_expiry_timestamp_seconds{${server},pod="b"}`]: always(0),
    },
    summary: 'The certificate of Substratus ends within two weeks.',
    minutes: 90,
  },
  {
    alert: 'SubstratusGatewayDown',
    when: 'no gateway answers, one of two is healthy',
    firing: {
      [`up{${gateway},namespace="home",pod="a"}`]: always(0),
      [`up{${gateway},namespace="home",pod="b"}`]: always(0),
    },
    healthy: {
      [`up{${gateway},namespace="home",pod="a"}`]: always(0),
      [`up{${gateway},namespace="home",pod="b"}`]: always(1),
    },
    labels: { namespace: 'home' },
    summary: 'No gateway of Substratus answers.',
  },
  {
    alert: 'SubstratusGatewayErrors',
    when: 'one request in ten fails; one in a hundred is healthy, and so are wrong requests',
    firing: { [answers(200)]: counted(90), [answers(503)]: counted(10) },
    healthy: {
      [answers(200)]: counted(90),
      [answers(503)]: counted(1),
      [answers(404)]: counted(9),
    },
    labels: { namespace: 'team', model: 'chat' },
    summary: 'More than one request in twenty for the model chat in team fails.',
  },
  {
    alert: 'SubstratusObjectFailed',
    when: 'Ready is False with the reason Failed; work in progress is healthy',
    firing: { [condition('Ready', 'Failed')]: always(0) },
    healthy: { [condition('Ready', 'Running')]: always(0), ...suspended },
    labels: { ...team, reason: 'Failed' },
    summary: 'Model m in team is not Ready: Failed.',
  },
  {
    alert: 'SubstratusObjectStalled',
    when: 'an image cannot be pulled for good; one alert is enough for what has failed',
    firing: { [condition('Stalled', 'ImagePullFailed')]: always(1) },
    healthy: {
      [condition('Stalled', 'Failed')]: always(1),
      [condition('Ready', 'Failed')]: always(0),
    },
    labels: { ...team, reason: 'ImagePullFailed' },
    summary: 'Model m in team is stalled until somebody acts: ImagePullFailed.',
  },
  {
    alert: 'SubstratusObjectPending',
    when: 'reasons to wait follow one another; an object that sleeps is healthy',
    firing: {
      ...suspended,
      [condition('Ready', 'Unschedulable')]: '0x20',
      [condition('Ready', 'Pending')]: '_x20 0x160',
    },
    healthy: { ...suspended, [condition('Ready', 'Idle')]: always(1) },
    labels: team,
    summary: 'Model m in team has waited for 30m.',
  },
  {
    alert: 'SubstratusObjectPending',
    when: 'the controller has never seen it; what it sees late is healthy',
    firing: suspended,
    healthy: { ...suspended, [condition('Ready', 'Running')]: '_x10 0x170' },
    labels: team,
    summary: 'Model m in team has waited for 30m.',
  },
  {
    alert: 'SubstratusProgressSilent',
    when: 'no report has come for long; a stage that reports is healthy',
    firing: {
      [`substratus_progress_silent_since_timestamp_seconds{${model},stage="run"}`]: '_x5 300x175',
    },
    healthy: {
      [`substratus_progress_silent_since_timestamp_seconds{${model},stage="run"}`]: '_x5 300x20',
      [`substratus_progress_percent{${model},stage="run"}`]: '0+1x180',
    },
    labels: { ...team, stage: 'run' },
    summary: 'The run of Model m in team has reported no progress for 55m 0s.',
  },
]

const inputs = (series: Series) =>
  Object.entries(series).map(([name, values]) => ({ series: name, values }))

/** What promtool says about an alert that is expected with these labels and annotations, or not at all. */
function verdict({ alert, minutes = 60 }: Case, series: Series, expected: readonly object[]) {
  const file = {
    rule_files: ['rules.yaml'],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: inputs(series),
        alert_rule_test: [{ eval_time: `${minutes}m`, alertname: alert, exp_alerts: expected }],
      },
    ],
  }
  writeFileSync(join(folder, 'test.yaml'), stringify(file))
  return promtool('test', 'rules', 'test.yaml')
}

const passed = 'Unit Testing:  test.yaml\n  SUCCESS\n\n'

describe.each(cases)('$alert: $when', (one) => {
  test('it fires, and says so', () => {
    const rule = rules.find(({ alert }) => alert === one.alert)
    const { description } = rule?.annotations ?? {}
    const expected = {
      exp_labels: { ...rule?.labels, ...one.labels },
      exp_annotations: { summary: one.summary, description },
    }
    expect(verdict(one, one.firing, [expected])).toBe(passed)
  })

  test('it does not fire', () => {
    expect(verdict(one, one.healthy, [])).toBe(passed)
  })
})

test('there is a case for each alert', () => {
  const tested = new Set(cases.map(({ alert }) => alert))
  expect(rules.map(({ alert }) => alert).filter((alert) => !tested.has(alert))).toEqual([])
})
