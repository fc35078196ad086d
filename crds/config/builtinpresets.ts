import type { Preset } from './presets.ts'

/**
 * The presets that apply without a configuration. Flags match the release in the preset's image. A
 * preset names the whole program, because images change their entrypoints.
 */

/** vLLM takes the model as a positional argument; a `--model` after it replaces it. */
const vllm = {
  image: 'docker.io/vllm/vllm-openai:v0.32.0',
  command: ['vllm', 'serve'],
  aliases: [
    ['{model}', '--model'],
    ['--tensor-parallel-size', '-tp'],
  ],
  adapterArgs: {
    format: 'peft',
    once: ['--enable-lora', '--max-lora-rank={rank}', '--lora-modules'],
    each: ['{adapter}={path}'],
    ranks: [8, 16, 32, 64, 128, 256, 320, 512],
  },
  env: { HF_HUB_OFFLINE: '1' },
  health: '/health',
  metrics: {
    path: '/metrics',
    running: 'vllm:num_requests_running',
    waiting: 'vllm:num_requests_waiting',
    activity: [
      'vllm:prompt_tokens_total',
      'vllm:generation_tokens_total',
      'vllm:request_success_total',
    ],
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
 * ggml servers take a file; for a split model they take its first file. Projectors and voice activity
 * detectors are not models, so they are skipped.
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
  // It does not accept --flag=value, and the first --alias counts.
  llamacpp: {
    image: 'ghcr.io/ggml-org/llama.cpp:server-b11206',
    command: ['sh', '-c', withFile('llama-server', '/app', ['*.gguf']), 'llama-server'],
    args: ['--alias', '{name}', '--host', '0.0.0.0', '--port', '{port}', '--metrics'],
    aliases: [['--alias', '-a']],
    // A request without the field lora gets each adapter in its initial scale, --lora-init-without-apply
    // or not: only 0 leaves the model alone.
    adapterArgs: {
      format: 'gguf',
      once: ['--lora-init-without-apply'],
      each: ['--lora-scaled', '{path}:0'],
      select: 'lora',
    },
    health: '/health',
    metrics: {
      path: '/metrics',
      running: 'llamacpp:requests_processing',
      waiting: 'llamacpp:requests_deferred',
      // Embeddings change only the number of decodings.
      activity: [
        'llamacpp:prompt_tokens_total',
        'llamacpp:tokens_predicted_total',
        'llamacpp:n_decode_total',
      ],
    },
    drain: { cutsStreams: true },
    tasks: ['chat', 'completions', 'embeddings'],
  },
  // It refuses repeated flags. It would listen on HOSTNAME, which Kubernetes sets to the Pod's name.
  tei: {
    image: 'ghcr.io/huggingface/text-embeddings-inference:cpu-1.9.4',
    env: {
      MODEL_ID: '{model}',
      SERVED_MODEL_NAME: '{name}',
      HOSTNAME: '0.0.0.0',
      PORT: '{port}',
    },
    health: '/health',
    // Its counters do not exist before the first request, so none of them is listed as activity.
    metrics: { path: '/metrics', waiting: 'te_queue_size' },
    tasks: ['embeddings', 'reranking', 'classification'],
  },
  // Its image has no release tags. It has no metrics.
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
