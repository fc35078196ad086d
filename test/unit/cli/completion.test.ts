import { describe, expect, test } from 'vitest'
import { completed } from '../../../cli/completion.ts'
import { program } from '../../../cli/program.ts'

/** What may follow these words, without what it means; the last word is the one being typed. */
function after(line: string): unknown {
  const { candidates } = completed(program, line.split(' '))
  if ('words' in candidates) return candidates.words.map((word) => word.split('\t')[0])
  if ('files' in candidates) return 'files'
  if (candidates.ask !== 'objects') return `${candidates.prefix}${candidates.ask}`
  const { prefix, kind, without } = candidates
  return [`${prefix}${kind.plural}`, ...(without.length ? ['but', ...without] : [])].join(' ')
}

const uiOptions = ['--namespace', '--context', '--kubeconfig', '--port', '--no-browser', '--help']
const kinds = ['dataset', 'model', 'modelserver', 'notebook']

describe('what follows on the command line', () => {
  test.each([
    { line: 'wa', is: ['watch'] },
    { line: 'seal', is: [] },
    { line: 'u', is: ['ui'] },
    { line: 'ui --', is: uiOptions },
    { line: 'ui -n ', is: 'namespaces' },
    { line: 'nothing x', is: [] },
    { line: 'why ', is: kinds },
    { line: 'why mod', is: ['model', 'modelserver'] },
    { line: 'why model ', is: 'models' },
    { line: 'why models/fal', is: 'models/models' },
    { line: 'why nb/', is: 'nb/notebooks' },
    { line: 'logs model falcon ', is: [] },
    { line: 'logs model/falcon ', is: [] },
    { line: 'why model falcon ', is: 'models but falcon' },
    { line: 'why model/falcon ', is: kinds.map((kind) => `${kind}/`) },
    { line: 'why model/falcon nb/x m', is: ['model/', 'modelserver/'] },
    { line: 'why model/falcon nb/x models/', is: 'models/models but falcon' },
    { line: 'rollout mserver/a ', is: ['modelserver/'] },
    { line: 'why -n team model ', is: 'models' },
    { line: 'rollout ', is: ['modelserver'] },
    { line: 'open ', is: ['notebook', 'modelserver', 'models'] },
    { line: 'open -n ', is: 'namespaces' },
    { line: 'open nb ', is: 'notebooks' },
    { line: 'watch data', is: ['datasets'] },
    { line: 'watch models note', is: ['notebooks'] },
    { line: 'logs --st', is: ['--stage'] },
    { line: 'logs --stage ', is: ['build', 'load', 'run', 'seal', 'package', 'serve'] },
    { line: 'logs --stage=s', is: ['--stage=seal', '--stage=serve'] },
    { line: 'tree -o ', is: ['json', 'dot'] },
    { line: 'tree -n ', is: 'namespaces' },
    { line: 'tree --namespace=', is: '--namespace=namespaces' },
    { line: 'tree --context ', is: 'contexts' },
    { line: 'tree --kubeconfig ', is: 'files' },
    { line: 'validate -f ', is: 'files' },
    { line: 'token ', is: 'serviceaccounts' },
    { line: 'token app ', is: [] },
  ])('kubectl substratus $line', ({ line, is }) => {
    expect(after(line)).toEqual(is)
  })
})

test('the words so far say where the cluster is', () => {
  const words = ['why', '-n', 'team', '--context=there', '--kubeconfig', 'file', 'model', '']
  expect(completed(program, words).cluster).toEqual({
    namespace: 'team',
    context: 'there',
    kubeconfig: 'file',
  })
})

test('a command says what it does', () => {
  const { candidates } = completed(program, ['tre'])
  expect(candidates).toEqual({
    words: ['tree\tWhat an object was made from, and what was made from it; or all of them.'],
  })
})
