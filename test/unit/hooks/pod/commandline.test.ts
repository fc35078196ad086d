import { describe, expect, test } from 'vitest'
import { commandLine } from '../../../../hooks/pod/commandline.ts'

/** Words as in a shell, where none holds a space. */
const words = (line: string): readonly string[] => line.split(' ').filter(Boolean)
const values = { model: '/content/model', name: 'falcon', gpus: '2', port: '8080' }

describe('arguments of an object are added to those of the preset', () => {
  test.each([
    { when: 'there are none', preset: '--port=1', own: '', args: '--port=1' },
    { when: 'the preset has none', preset: '', own: '--port=1', args: '--port=1' },
    { when: 'they are others', preset: '--port=1', own: '--fast', args: '--port=1 --fast' },
    { when: 'the name begins alike', preset: '--a=1', own: '--ab=2', args: '--a=1 --ab=2' },
    { when: 'the case differs', preset: '-m x', own: '-M y', args: '-m x -M y' },
    { when: 'they are no flags', preset: '--a=1', own: 'file', args: '--a=1 file' },
    { when: 'they have a flag twice', preset: '', own: '--a=1 --a 2', args: '--a=1 --a 2' },
  ])('when $when', ({ preset, own, args }) => {
    expect(commandLine({ args: words(preset) }, { args: words(own) }, values).args).toEqual(
      words(args),
    )
  })
})

describe('a flag replaces the preset’s flag of that name', () => {
  test.each([
    { when: 'both as --a=b', preset: '--a=1 --b=2', own: '--a=3', args: '--b=2 --a=3' },
    { when: 'both as --a b', preset: '--a 1 --b 2', own: '--a 3', args: '--b 2 --a 3' },
    { when: '--a=b by --a b', preset: '--a=1 --b=2', own: '--a 3', args: '--b=2 --a 3' },
    { when: '--a b by --a=b', preset: '--a 1 --b 2', own: '--a=3', args: '--b 2 --a=3' },
    { when: 'at the end', preset: '--b 2 --a 1', own: '--a=3', args: '--b 2 --a=3' },
    { when: 'without a value', preset: '--a --b', own: '--a', args: '--b --a' },
    { when: 'with an empty value', preset: '--a=1', own: '--a=', args: '--a=' },
    { when: 'whose value has "="', preset: '--a x=1 --b', own: '--a y=2', args: '--b --a y=2' },
    { when: 'with several values', preset: '--a x y --b z', own: '--a q', args: '--b z --a q' },
    { when: 'repeated in the preset', preset: '--a 1 -b --a=2', own: '--a 3', args: '-b --a 3' },
    {
      when: 'repeated in the object',
      preset: '--a 1 -b',
      own: '--a 2 --a 3',
      args: '-b --a 2 --a 3',
    },
    { when: 'short', preset: '-a 1 -b 2', own: '-a 3', args: '-b 2 -a 3' },
    { when: 'short, as -a=b', preset: '-a=1 -b 2', own: '-a=3', args: '-b 2 -a=3' },
    { when: 'short, its value attached', preset: '-p 1 -c 2', own: '-p80', args: '-c 2 -p80' },
    { when: 'the same, in the preset', preset: '-p80 file', own: '-p 81', args: 'file -p 81' },
    {
      when: 'short, of several letters',
      preset: '-n 1 -ngl 2',
      own: '-ngl 3',
      args: '-n 1 -ngl 3',
    },
    { when: 'to be --no-a', preset: '--a --b', own: '--no-a', args: '--b --no-a' },
    { when: 'to be --a again', preset: '--no-a --b', own: '--a', args: '--b --a' },
    { when: 'spelled with "_"', preset: '--max-len=1', own: '--max_len 2', args: '--max_len 2' },
    { when: 'negative in the preset', preset: '--a -1 --b', own: '--a 2', args: '--b --a 2' },
    { when: 'negative in the object', preset: '--a 1 --b', own: '--a -.5', args: '--b --a -.5' },
    { when: 'with "-" as its value', preset: '--a - --b', own: '--a x', args: '--b --a x' },
  ])('$when', ({ preset, own, args }) => {
    expect(commandLine({ args: words(preset) }, { args: words(own) }, values).args).toEqual(
      words(args),
    )
  })

  const aliases = [
    ['--served-model-name', '--alias', '-a'],
    ['--no-browser', '--App.open_browser'],
  ]
  test.each([
    { when: 'an alias', preset: '--served-model-name=x', own: '--alias y', args: '--alias y' },
    { when: 'a short alias', preset: '--alias x -b', own: '-a y', args: '-b -a y' },
    {
      when: 'the alias of a --no-a',
      preset: '--no-browser',
      own: '--App.open-browser=1',
      args: '--App.open-browser=1',
    },
    { when: 'no alias', preset: '--alias x', own: '--name y', args: '--alias x --name y' },
  ])('by $when', ({ preset, own, args }) => {
    const { args: got } = commandLine(
      { args: words(preset), aliases },
      { args: words(own) },
      values,
    )
    expect(got).toEqual(words(args))
  })

  test('a value with spaces is no flag, whatever it begins with', () => {
    const preset = { args: ['--port=1', '--prompt', '--port is a flag', '--b'] }
    expect(commandLine(preset, { args: ['--prompt', '-be nice'] }, values).args).toEqual([
      '--port=1',
      '--b',
      '--prompt',
      '-be nice',
    ])
  })
})

describe('what is no flag of the preset stays', () => {
  test.each([
    {
      what: 'the model before the flags',
      preset: 'serve m --a 1',
      own: '--a 2',
      args: 'serve m --a 2',
    },
    { what: 'a word after --a=b', preset: '--a=1 m', own: '--a=2', args: 'm --a=2' },
    { what: 'what follows "--"', preset: '--a 1 -- --a 2', own: '--a 3', args: '--a 3 -- --a 2' },
    {
      what: 'what the object’s "--" hides',
      preset: '--a 1',
      own: '-- --a 2',
      args: '--a 1 -- --a 2',
    },
    { what: 'both after one "--"', preset: '-- x', own: '-b -- y -- z', args: '-b -- x y -- z' },
  ])('$what', ({ preset, own, args }) => {
    expect(commandLine({ args: words(preset) }, { args: words(own) }, values).args).toEqual(
      words(args),
    )
  })

  test('its command, which an object’s arguments never change', () => {
    const preset = { command: ['sh', '-c', 'exec serve "$@"', '--'], args: ['--a=1'] }
    expect(commandLine(preset, { args: ['-c', '4096'] }, values)).toEqual({
      command: preset.command,
      args: ['--a=1', '-c', '4096'],
    })
  })
})

describe('a command of the object’s own', () => {
  const preset = { command: ['serve'], args: ['--a=1'] }
  test.each([
    { what: 'replaces command and arguments', own: { command: ['run'] }, is: { command: ['run'] } },
    {
      what: 'has its own arguments alone',
      own: { command: ['run'], args: ['--b'] },
      is: { command: ['run'], args: ['--b'] },
    },
    { what: 'that is empty is none', own: { command: [], args: [] }, is: preset },
  ])('$what', ({ own, is }) => {
    expect(commandLine(preset, own, values)).toEqual(is)
  })
})

describe('placeholders are filled in', () => {
  test.each([
    { what: 'a word that is one', word: '{model}', is: '/content/model' },
    { what: 'several in a word', word: '--x={name}:{gpus}:{port}', is: '--x=falcon:2:8080' },
    { what: 'one in JSON', word: '{"size":{gpus}}', is: '{"size":2}' },
    { what: 'the literal one', word: '{{model}}', is: '{model}' },
    { what: 'the literal one of a template', word: '{{{model}}}', is: '{{model}}' },
    { what: 'a template with spaces', word: '{{ model }}', is: '{{ model }}' },
    { what: 'a template', word: '{% if x %}{{ x["port"] }}', is: '{% if x %}{{ x["port"] }}' },
    { what: 'all other JSON', word: '{"port":{"name":"{x}"}}', is: '{"port":{"name":"{x}"}}' },
    { what: 'what looks like one', word: '{ model }{Model}$(PORT)', is: '{ model }{Model}$(PORT)' },
  ])('$what, in command and arguments of preset and object', ({ word, is }) => {
    const line = { command: [word], args: [word] }
    expect(commandLine(line, {}, values)).toEqual({ command: [is], args: [is] })
    expect(commandLine({}, line, values)).toEqual({ command: [is], args: [is] })
  })

  test('and stay as they are where they stand for nothing', () => {
    expect(commandLine({}, { args: ['{model}:{port}'] }, { port: '1' }).args).toEqual(['{model}:1'])
  })

  test('once: a value is not filled in again', () => {
    expect(commandLine({}, { args: ['{name}'] }, { name: '{port}', port: '1' }).args).toEqual([
      '{port}',
    ])
  })
})
