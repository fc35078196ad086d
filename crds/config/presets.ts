import { list, map, object, string, type TypeOf } from '../schema/builders.ts'
import { image } from './registries.ts'

const preset = object(
  'A server that can serve any Model from its files.',
  {
    image: string('The image.', image),
    command: list('The command. A ModelServer’s args do not change it.', string('A word.')),
    args: list(
      'Arguments, positional ones first; a ModelServer’s args are added. {model} is the path, {name} the Model’s name, {gpus} the GPU count, {port} the port; {{model}} is the literal {model}. The same in command.',
      string('A word.'),
    ),
    aliases: list(
      'Lists of flags that mean the same: a flag in a ModelServer’s args replaces every flag of its list in args here.',
      list('Flags that mean the same.', string('A flag.', { pattern: '^-' })),
    ),
    env: map('Environment variables.', string('Value.')),
    health: string('The path that answers 200 once it is ready.'),
  },
  { required: ['image'] },
)

export const servers = object('Server presets.', {
  default: string('The preset for imported Models.'),
  presets: map('Presets by name; if set, they replace the built-in one.', preset),
})

export const serverDefaults = {
  default: 'vllm',
  presets: {
    vllm: {
      image: 'docker.io/vllm/vllm-openai:v0.8.5',
      args: [
        '--model={model}',
        '--served-model-name={name}',
        '--tensor-parallel-size={gpus}',
        '--port={port}',
      ],
      aliases: [['--tensor-parallel-size', '-tp']],
      env: { HF_HUB_OFFLINE: '1' },
      health: '/health',
    },
  },
} satisfies TypeOf<typeof servers>
