import type { Preset } from './presets.ts'

/**
 * The presets without a configuration, each with the flags of the release that its image has. A preset
 * names the whole program, because images change their entrypoints.
 */

/** vLLM takes the model by position, and then `--model` too, which replaces it. */
const vllm = {
  image: 'docker.io/vllm/vllm-openai:v0.32.0',
  command: ['vllm', 'serve'],
  aliases: [
    ['{model}', '--model'],
    ['--tensor-parallel-size', '-tp'],
  ],
  env: { HF_HUB_OFFLINE: '1' },
  health: '/health',
  metrics: {
    path: '/metrics',
    running: 'vllm:num_requests_running',
    waiting: 'vllm:num_requests_waiting',
  },
  needsGpu: true,
  drain: { timeoutFlag: '--shutdown-timeout' },
} as const

const vllmArgs = [
  '{model}',
  '--served-model-name={name}',
  '--tensor-parallel-size={gpus}',
  '--port={port}',
] as const

/**
 * Servers of ggml take a file. Of a model in several files they take the first. A projector is no
 * model, and neither is what detects voices.
 */
const withFile = (program: string, folder: string, files: readonly string[]): string =>
  [
    `PATH=${folder}:$PATH`,
    `for file in ${files.map((file) => `{model}/${file} {model}/*/${file}`).join(' ')}`,
    `do case "$file" in *mmproj*|*silero*) ;; *) if [ -f "$file" ]; then exec ${program} --model "$file" "$@"; fi;; esac; done`,
    `echo "no file in {model} is named ${files.join(' or ')}"`,
    'exit 1',
  ].join('; ')

export const builtInPresets = {
  vllm: {
    ...vllm,
    args: vllmArgs,
    tasks: ['chat', 'completions'],
  },
  'vllm-embed': {
    ...vllm,
    args: [...vllmArgs, '--runner=pooling'],
    tasks: ['embeddings', 'reranking', 'classification'],
  },
  // Its flags have no form --flag=value, and the first --alias counts.
  llamacpp: {
    image: 'ghcr.io/ggml-org/llama.cpp:server-b11206',
    command: ['sh', '-c', withFile('llama-server', '/app', ['*.gguf']), 'llama-server'],
    args: ['--alias', '{name}', '--host', '0.0.0.0', '--port', '{port}', '--metrics'],
    aliases: [['--alias', '-a']],
    health: '/health',
    metrics: {
      path: '/metrics',
      running: 'llamacpp:requests_processing',
      waiting: 'llamacpp:requests_deferred',
    },
    drain: { cutsStreams: true },
    tasks: ['chat', 'completions', 'embeddings'],
  },
  // It refuses repeated flags. Kubernetes sets HOSTNAME to the Pod's name, which it would listen on.
  tei: {
    image: 'ghcr.io/huggingface/text-embeddings-inference:cpu-1.9.4',
    env: {
      MODEL_ID: '{model}',
      SERVED_MODEL_NAME: '{name}',
      HOSTNAME: '0.0.0.0',
      PORT: '{port}',
    },
    health: '/health',
    metrics: { path: '/metrics', waiting: 'te_queue_size' },
    tasks: ['embeddings', 'reranking', 'classification'],
  },
  // No release of its image has a tag of its own. It has no metrics.
  whisper: {
    image: 'ghcr.io/ggml-org/whisper.cpp:main',
    command: [
      'sh',
      '-c',
      withFile('whisper-server', '/app/build/bin', ['ggml-*.bin', '*.bin']),
      'whisper-server',
    ],
    args: ['--host', '0.0.0.0', '--port', '{port}', '--inference-path', '/v1/audio/transcriptions'],
    health: '/health',
    tasks: ['transcription'],
  },
} as const satisfies Readonly<Record<string, Preset>>
