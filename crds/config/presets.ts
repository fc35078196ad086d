import {
  boolean,
  choice,
  integer,
  list,
  map,
  object,
  string,
  type TypeOf,
} from '../schema/builders.ts'
import { builtInPresets } from './builtinpresets.ts'
import { image } from './registries.ts'

const metrics = object('Its Prometheus metrics, on the serving port.', {
  path: string('The path.', { pattern: '^/' }),
  running: string('The gauge that counts the requests in progress.'),
  waiting: string('The gauge that counts the requests that wait.'),
  activity: list(
    'Counters that exist before the first request and that every request changes, such as those of tokens. With at least one, spec.idleTimeout needs no relay: the server is busy while running or waiting is above 0, or when a counter has changed.',
    string('The name of a counter.'),
  ),
})

const drain = object(
  'How the server shuts down on SIGTERM, which it gets when its Pod is replaced.',
  {
    cutsStreams: boolean(
      'It cuts off requests in progress, so SIGTERM is delayed until 5 s before the end of the grace period.',
    ),
    timeoutFlag: string(
      'A flag that sets for how many seconds it finishes requests in progress. It is added to the preset’s args with what the grace period leaves.',
      { pattern: '^-' },
    ),
  },
)

const adapterArgs = object(
  'How it serves LoRA adapters (spec.adapters); without this field, it serves none.',
  {
    format: choice('The format of adapters that it reads.', ['peft', 'gguf']),
    once: list(
      'Arguments that are added if there are adapters. {rank} is the largest rank, rounded up to one of `ranks`.',
      string('A word.'),
    ),
    each: list(
      'Arguments that are added after those of `once`, for each adapter. {adapter} is its name, {path} its folder (peft) or file (gguf), {rank} as in `once`.',
      string('A word.'),
    ),
    ranks: list('The values that {rank} can have; without this list, any.', integer('A rank.'), {
      minItems: 1,
    }),
    select: choice(
      'How a request selects an adapter: by its name in `model` (the default), or by its number in `lora`, as for llama.cpp.',
      ['model', 'lora'],
    ),
  },
  { required: ['format', 'each'] },
)
export type AdapterArgs = TypeOf<typeof adapterArgs>

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
      'Lists of flags that mean the same: a flag in a ModelServer’s args replaces every flag of its list in args here. {model} stands for the model as a positional argument.',
      list('Flags that mean the same.', string('A flag.', { pattern: '^(-|\\{model\\}$)' })),
    ),
    adapterArgs,
    env: map('Environment variables, with the same placeholders as args.', string('Value.')),
    health: string('The path that answers 200 once it is ready.'),
    metrics,
    drain,
    needsGpu: boolean(
      'It cannot run without a GPU: admission warns if a ModelServer requests none.',
    ),
    tasks: list(
      'What it serves: messages that list presets say so, and suggest only presets that serve the same.',
      choice('A task.', [
        'chat',
        'completions',
        'embeddings',
        'reranking',
        'classification',
        'transcription',
      ]),
    ),
  },
  { required: ['image'] },
)
export type Preset = TypeOf<typeof preset>

/** Presets in a message: sorted by name, each with what it serves. */
export const presetsInWords = (presets: Readonly<Record<string, Preset>>): string =>
  Object.keys(presets)
    .sort()
    .map((name) => {
      const { tasks = [] } = presets[name] ?? {}
      return tasks.length ? `"${name}" (${tasks.join(', ')})` : `"${name}"`
    })
    .join(', ')

/** Whether two presets have a task in common; without a list of tasks, they may. */
export const mayReplace = ({ tasks: own }: Preset, { tasks: other }: Preset): boolean =>
  !own?.length || !other?.length || own.some((task) => other.includes(task))

export const servers = object('Server presets.', {
  default: string('The preset for imported Models.'),
  presets: map('Presets by name; if set, they replace the built-in ones.', preset),
})

export const serverDefaults = {
  default: 'vllm',
  presets: builtInPresets,
} satisfies TypeOf<typeof servers>
