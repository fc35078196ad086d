import { describe, expect, test } from 'vitest'
import { unexpanded } from '../../../../crds/expansion.ts'
import { aDataset, aModel, aNotebook, type Child, sync, theChild } from '../../../objects.ts'

/** As the kubelet expands a text: `$$` is a dollar, and `$(NAME)` a variable, if there is one. */
const expanded = (text: string, variables: Readonly<Record<string, string>>): string =>
  text.replaceAll(/\$\$|\$\(([^)]*)\)/g, (match, name) =>
    match === '$$' ? '$' : (variables[name] ?? match),
  )

const texts = [
  '$',
  '$$',
  '$$$',
  '$5',
  '$$5',
  '$(HOME)',
  '$$(HOME)',
  '$$$(HOME)/x',
  '$(HOME)$(HOME)',
  '$$ for $(HOME)',
  'a$(',
  '${HOME}',
  '$HOME',
]

test.each(texts)('%s reaches a container as it is', (text) => {
  expect(expanded(unexpanded(text), { HOME: '/home/build' })).toBe(text)
})

test.each(['$5', '${HOME}', '$HOME', '$', 'plain'])('%s needs no dollars', (text) => {
  expect(unexpanded(text)).toBe(text)
})

const wordsOf = ({ args = [] }: { readonly args?: readonly string[] }, flag: string) =>
  args.filter((word) => word.startsWith(flag)).map((word) => word.slice(flag.length))

describe('what the kubelet would expand', () => {
  const git = { url: 'https://example.com/$(HOME)', path: '$(HOME)', branch: '$(HOME)' }
  const build = { git, dockerfile: '$(HOME)/D', args: { PREFIX: '$(HOME)/x', PRICE: '$$5' } }
  const { initContainers, containers } = theChild(sync(aModel({ build })), 'Job').spec.template.spec
  const [clone, builder] = [initContainers[0], containers[0]]

  test('is doubled in the arguments of a build', () => {
    expect(wordsOf(builder, '--build-arg=')).toEqual(['PREFIX=$$(HOME)/x', 'PRICE=$$$$5'])
    expect(wordsOf(builder, '--path=')).toEqual(['$$(HOME)'])
    expect(wordsOf(builder, '--dockerfile=')).toEqual(['$$(HOME)/D'])
    expect(wordsOf(clone, '--url=')).toEqual(['https://example.com/$$(HOME)'])
    expect(wordsOf(clone, '--branch=')).toEqual(['$$(HOME)'])
  })

  test('is doubled in the source of a load', () => {
    const { spec } = theChild(sync(aDataset({ source: 's3://b/$(HOME)' })), 'Job').spec.template
    expect(wordsOf(spec.containers[0], '--source=')).toEqual(['s3://b/$$(HOME)'])
  })

  const params = { template: 'Answer $$x$$ for $(HOME)', price: '$$5', shown: '$5' }
  const env = { PATH_OF: '$(HOME)/x' }
  test.each<{ what: string; child: Child; name: string }>([
    {
      what: 'a training',
      child: theChild(sync(aModel({ image: 'example.com/train:1', params, env })), 'Job'),
      name: 'run',
    },
    {
      what: 'a Notebook',
      child: theChild(sync(aNotebook({ params, env })), 'StatefulSet'),
      name: 'notebook',
    },
  ])('is doubled in the parameters of $what, and not in its env', ({ child, name }) => {
    const { metadata, spec } = child.spec.template
    const container = [...(spec.initContainers ?? []), ...spec.containers].find(
      (one) => one.name === name,
    )
    const shown = (variable: string) =>
      container.env.find((one: { name: string }) => one.name === variable).value
    expect(shown('PARAM_TEMPLATE')).toBe('Answer $$$$x$$$$ for $$(HOME)')
    expect(shown('PARAM_PRICE')).toBe('$$$$5')
    expect(shown('PARAM_SHOWN')).toBe('$5')
    expect(shown('PATH_OF')).toBe('$(HOME)/x')
    expect(JSON.parse(metadata.annotations['substratus.ai/params'])).toEqual(params)
  })
})
