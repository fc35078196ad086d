/**
 * Manifests that must be refused, and a part of the error. Each breaks one rule, whether that is in the
 * schema, in CEL or in the webhook.
 */
export interface Bad {
  readonly kind: 'Dataset' | 'Model' | 'ModelServer' | 'Notebook'
  readonly spec: unknown
  readonly says: string
  /** What breaks the rule, for rows with the same `says`. */
  readonly when?: string
  /** The object's name, if that is invalid. */
  readonly object?: string
}

const image = 'example.com/image:1'
const git = (more: object, url = 'https://example.com/repo.git') => ({
  build: { git: { url, ...more } },
})
const model = { name: 'base' }

const rows: readonly Bad[] = [
  // The shape.
  { kind: 'Model', spec: undefined, says: 'spec: Required value' },
  { kind: 'Model', spec: { image: 1 }, when: 'it is a number', says: 'spec.image' },
  { kind: 'Model', spec: { image: '' }, when: 'it is empty', says: 'spec.image' },
  { kind: 'Model', spec: { image: '-x' }, when: 'it begins with a dash', says: 'spec.image' },
  {
    kind: 'Model',
    spec: { image: 'https://hub.docker.com/r/org/name' },
    says: 'write docker.io/org/name',
  },
  { kind: 'Model', spec: { image: 'MyOrg/Model:1' }, says: 'must be lower case' },
  { kind: 'Model', spec: { image: 'a:b:c' }, says: 'must be [HOST[:PORT]/]NAME' },
  { kind: 'Model', spec: { image, comand: ['x'] }, says: 'unknown field "spec.comand"' },
  { kind: 'Model', spec: { image, command: 'train.py' }, says: 'spec.command' },
  { kind: 'Model', spec: { image, suspend: 'yes' }, says: 'spec.suspend' },
  {
    kind: 'Model',
    spec: { image, package: 'Sometimes' },
    says: 'spec.package: Unsupported value: "Sometimes"',
  },
  {
    kind: 'Model',
    spec: { image, imagePullSecrets: ['a', 'a'] },
    says: 'spec.imagePullSecrets[1]: Duplicate value',
  },
  { kind: 'Model', spec: { image, imagePullSecrets: ['A_b'] }, says: 'spec.imagePullSecrets[0]' },
  {
    kind: 'Model',
    spec: { image, runPolicy: { backoffLimit: -1 } },
    says: 'spec.runPolicy.backoffLimit',
  },
  {
    kind: 'Model',
    spec: { image, runPolicy: { activeDeadlineSeconds: 0 } },
    says: 'spec.runPolicy.activeDeadlineSeconds',
  },
  { kind: 'ModelServer', spec: { model, runPolicy: {} }, says: 'unknown field "spec.runPolicy"' },
  // Names.
  {
    kind: 'Model',
    object: 'a.b',
    when: 'its name has a dot',
    spec: { image },
    says: 'at most 50 characters',
  },
  {
    kind: 'Model',
    object: 'a'.repeat(51),
    when: 'its name is longer',
    spec: { image },
    says: 'at most 50 characters',
  },
  // What to start from.
  { kind: 'Model', spec: {}, says: 'set one of source, image, build and model' },
  { kind: 'Dataset', spec: {}, says: 'set one of source, image and build' },
  { kind: 'Model', spec: { image, source: 'hf://a/b' }, says: 'spec: Invalid value' },
  {
    kind: 'Model',
    spec: { source: 'hf://a/b', command: ['x'] },
    says: 'source is loaded by an image of its own',
  },
  { kind: 'Model', spec: { source: 'hf://a/b', model }, says: 'a source is imported, not trained' },
  {
    kind: 'Dataset',
    spec: { source: 'ftp://example.com/x' },
    when: 'it is an FTP address',
    says: 'spec.source',
  },
  { kind: 'Dataset', spec: { source: 'hf://only-one' }, says: 'hf://ORG/NAME' },
  {
    kind: 'Model',
    spec: { source: 'https://huggingface.co/org/name' },
    says: 'as the source of a Model write hf://org/name',
  },
  {
    kind: 'Dataset',
    spec: { source: 'https://github.com/org/name/blob/main/x.csv' },
    says: 'this is a page about a file: write https://github.com/org/name/raw/main/x.csv',
  },
  {
    kind: 'Dataset',
    spec: { source: 'https://hf.co/datasets/org/name/tree/v1' },
    says: 'as the source of a Dataset write hf://org/name@v1',
  },
  {
    kind: 'Dataset',
    spec: { source: 'https://git.example.com/org/name/-/blob/main/x.csv' },
    says: 'write https://git.example.com/org/name/-/raw/main/x.csv',
  },
  {
    kind: 'Dataset',
    spec: { source: 'https://example.com/x.csv#v2' },
    says: 'what follows "#" must be sha256=',
  },
  {
    kind: 'Dataset',
    spec: { source: 'https://example.com:org/x.csv' },
    says: '"org" is no port: write https://example.com/org/x.csv',
  },
  {
    kind: 'Model',
    spec: { build: { git: { url: 'ssh://git@example.com:org/x.git' } } },
    says: '"org" is no port: write ssh://git@example.com/org/x.git',
  },
  {
    kind: 'Model',
    spec: { build: { git: { url: 'ssh://git@example.com:0/x.git' } } },
    says: 'the port must be a number from 1 to 65535',
  },
  {
    kind: 'Model',
    spec: { source: 'https://example.com/x.gguf', files: ['*.gguf'] },
    when: 'the source is one file',
    says: 'selects files of an hf://, s3:// or gs:// source only',
  },
  {
    kind: 'Dataset',
    when: 'there is no source',
    spec: { image, files: ['*.csv'] },
    says: 'selects files of an hf://, s3:// or gs:// source only',
  },
  { kind: 'Model', spec: { source: 'hf://a/b', files: [] }, says: 'spec.files' },
  { kind: 'Model', spec: { source: 'hf://a/b', files: ['/x'] }, says: 'spec.files[0]' },
  { kind: 'Dataset', spec: { source: 's3://a', files: ['!'] }, says: 'spec.files[0]' },
  { kind: 'Notebook', spec: { image, files: ['x'] }, says: 'unknown field "spec.files"' },
  { kind: 'Dataset', spec: { source: 'pvc://claim/../other' }, says: 'must not contain ".."' },
  {
    kind: 'Dataset',
    spec: { source: 'pvc://claim//path' },
    says: 'must not contain an empty folder',
  },
  { kind: 'Model', spec: { source: 'pvc://claim/a//b' }, says: 'must not contain an empty folder' },
  {
    kind: 'Dataset',
    spec: { source: 'https://example.com/x\ny' },
    when: 'it has a line break',
    says: 'spec.source',
  },
  {
    kind: 'Dataset',
    spec: { source: 's3://bucket/x\ty' },
    when: 'it has a tab',
    says: 'spec.source',
  },
  {
    kind: 'Dataset',
    spec: { source: 'pvc://claim/x\u0007' },
    when: 'it has a control character',
    says: 'spec.source',
  },
  {
    kind: 'Dataset',
    spec: { source: 'hf://org/name\n' },
    when: 'it ends with a line break',
    says: 'spec.source',
  },
  {
    kind: 'Dataset',
    spec: { source: 'http://example.com/data' },
    says: 'spec.source: Invalid value: plain http://',
  },
  {
    kind: 'Dataset',
    spec: { source: 'https://me:secret@example.com/data' },
    says: 'spec.source: Invalid value: must not hold credentials',
  },
  // Git.
  { kind: 'Model', spec: git({}, ''), when: 'it is empty', says: 'spec.build.git.url' },
  { kind: 'Model', spec: { build: { git: {} } }, says: 'spec.build.git.url: Required value' },
  { kind: 'Model', spec: { build: {} }, says: 'spec.build.git: Required value' },
  {
    kind: 'Model',
    spec: git({}, 'git@example.com:repo.git'),
    says: 'write git@host:path as ssh://git@host/path',
  },
  { kind: 'Model', spec: git({}, 'file:///etc'), when: 'it is a file', says: 'spec.build.git.url' },
  {
    kind: 'Model',
    spec: git({}, 'https://example.com/a\nb'),
    when: 'it has a line break',
    says: 'spec.build.git.url',
  },
  { kind: 'Model', spec: git({}, '--upload-pack=x'), says: 'must not begin with "-"' },
  { kind: 'Model', spec: git({}, 'http://example.com/repo'), says: 'plain http:// is not cloned' },
  {
    kind: 'Model',
    spec: git({}, 'https://me:secret@example.com/repo'),
    says: 'must not hold credentials',
  },
  {
    kind: 'Model',
    spec: git({ branch: 'a', tag: 'b' }),
    says: 'set at most one of branch, tag and commit',
  },
  { kind: 'Model', spec: git({ commit: 'abc' }), says: 'spec.build.git.commit' },
  { kind: 'Model', spec: git({ branch: '-x' }), says: 'spec.build.git.branch' },
  {
    kind: 'Model',
    spec: git({ path: '../x' }),
    when: 'it leads upwards',
    says: 'spec.build.git.path',
  },
  {
    kind: 'Model',
    spec: git({ path: '/x' }),
    when: 'it begins with a slash',
    says: 'spec.build.git.path',
  },
  {
    kind: 'Model',
    spec: { build: { git: { url: 'https://example.com/r' }, dockerfile: '../Dockerfile' } },
    says: 'spec.build.dockerfile',
  },
  {
    kind: 'Model',
    spec: { build: { git: { url: 'https://example.com/r' }, args: { 'a-b': 'c' } } },
    says: 'names of build arguments',
  },
  // Resources.
  {
    kind: 'Model',
    spec: { image, resources: { memory: '10' } },
    says: 'write 10 without quotes for gibibytes, or "10Gi"',
  },
  {
    kind: 'Notebook',
    spec: { resources: { memory: '17179869184' } },
    says: 'would be 17179869184 bytes: write a quantity with a unit, such as "16Gi"',
  },
  { kind: 'Model', spec: { image, resources: { disk: '5' } }, says: 'spec.resources.disk' },
  {
    kind: 'Model',
    spec: { image, resources: { memory: '16000m' } },
    says: '"16000m" would be thousandths of a byte: write M or Mi for m, or an integer for gibibytes',
  },
  {
    kind: 'Notebook',
    spec: { resources: { memory: 17179869184 } },
    when: 'it is in bytes',
    says: '17179869184 would be 17179869184Gi, because an integer means gibibytes',
  },
  {
    kind: 'Model',
    spec: { image, resources: { memory: 'lots' } },
    when: 'it is no quantity',
    says: 'write an integer for gibibytes, or a quantity with one of the units Mi, Gi, Ti, M, G and T',
  },
  {
    kind: 'Model',
    spec: { image, resources: { memory: 0 } },
    when: 'it is 0',
    says: 'spec.resources.memory',
  },
  {
    kind: 'Model',
    spec: { image, resources: { memory: '0Gi' } },
    when: 'memory is 0Gi',
    says: 'must be more than 0',
  },
  {
    kind: 'Model',
    spec: { image, resources: { disk: '0.0Mi' } },
    when: 'disk is 0.0Mi',
    says: 'must be more than 0',
  },
  {
    kind: 'Model',
    spec: { image, resources: { disk: '0' } },
    when: 'disk is 0 in quotes',
    says: 'must be more than 0',
  },
  {
    kind: 'Model',
    spec: { image, resources: { cpu: '2Gi' } },
    says: 'write an integer for cores, or a quantity such as "1.5" or "500m"',
  },
  {
    kind: 'Model',
    spec: { image, resources: { gpu: { type: 'nvidia-l5' } } },
    says: 'spec.resources.gpu.type: Unsupported value: "nvidia-l5": supported values: ',
  },
  {
    kind: 'Model',
    spec: { image, resources: { gpu: { count: -1 } } },
    says: 'spec.resources.gpu.count',
  },
  // Environment and parameters.
  {
    kind: 'Model',
    spec: { image, env: { TOKEN: 'Bearer ${{ secrets.hf.token }}' } },
    when: 'there is text before it',
    says: 'must be exactly ${{ secrets.NAME.KEY }} or ${{ configmaps.NAME.KEY }}',
  },
  {
    kind: 'Model',
    spec: { image, env: { TOKEN: '${{ secrets.-hf.token }}' } },
    when: 'the name begins with a dash',
    says: 'must be exactly ${{ secrets.NAME.KEY }}',
  },
  {
    kind: 'Model',
    spec: { image, env: { CA: '${{ configmaps.trusted }}' } },
    when: 'it names no key',
    says: 'must be exactly ${{ secrets.NAME.KEY }} or ${{ configmaps.NAME.KEY }}',
  },
  { kind: 'Model', spec: { image, env: { '1A': 'x' } }, says: 'spec.env' },
  {
    kind: 'Model',
    spec: { image, params: { a: { b: 1 } } },
    says: 'spec.params: Invalid value: "a" must be a string, a number or a boolean',
  },
  { kind: 'Model', spec: { image, params: { 'a-b': 1, a_b: 2 } }, says: 'PARAM_A_B' },
  {
    kind: 'Model',
    spec: { image, params: { big: 'x'.repeat(65 * 1024) } },
    says: 'spec.params: Too long',
  },
  {
    kind: 'Model',
    spec: { image, params: { seed: 2 ** 53 } },
    says: 'spec.params: Invalid value: "seed" is an integer beyond 2^53, which JSON changes: write it in quotes',
  },
  {
    kind: 'Model',
    spec: {
      image,
      env: Object.fromEntries(Array.from({ length: 27 }, (_, i) => [`E${i}`, 'x'.repeat(8000)])),
      params: { big: 'x'.repeat(8000) },
    },
    says: 'env, params (which count twice), command, args and pod may be no more than 229376 bytes together',
  },
  // Servers and notebooks.
  { kind: 'ModelServer', spec: {}, says: 'spec.model: Required value' },
  { kind: 'ModelServer', spec: { model: {} }, says: 'spec.model.name: Required value' },
  {
    kind: 'ModelServer',
    spec: { model: { name: 'base', namespace: 'other' } },
    says: 'unknown field "spec.model.namespace"',
  },
  { kind: 'ModelServer', spec: { model, replicas: -1 }, says: 'spec.replicas' },
  { kind: 'ModelServer', spec: { model, port: 70000 }, says: 'spec.port' },
  { kind: 'ModelServer', spec: { model, health: 'healthz' }, says: 'spec.health' },
  { kind: 'ModelServer', spec: { model, aliases: ['a b'] }, says: 'spec.aliases[0]' },
  {
    kind: 'ModelServer',
    spec: { model, aliases: ['chat', 'chat'] },
    when: 'one twice',
    says: 'spec.aliases',
  },
  {
    kind: 'ModelServer',
    spec: { model, strategy: 'BlueGreen' },
    says: 'spec.strategy: Invalid value: "BlueGreen"',
  },
  { kind: 'ModelServer', spec: { model, strategy: 5 }, when: 'a number', says: 'spec.strategy' },
  {
    kind: 'ModelServer',
    spec: { model, strategy: true },
    when: 'a boolean',
    says: 'spec.strategy',
  },
  {
    kind: 'ModelServer',
    spec: { model, strategy: ['Recreate'] },
    when: 'a list',
    says: 'spec.strategy',
  },
  { kind: 'ModelServer', spec: { model, strategy: [] }, when: 'no value', says: 'spec.strategy' },
  {
    kind: 'ModelServer',
    spec: { model, strategy: {} },
    says: 'spec.strategy.type: Required value',
  },
  {
    kind: 'ModelServer',
    spec: { model, strategy: { type: 'OnDelete' } },
    says: 'spec.strategy.type: Unsupported value: "OnDelete"',
  },
  {
    kind: 'ModelServer',
    spec: { model, strategy: { type: 'RollingUpdate', maxSurges: 1 } },
    says: 'spec.strategy.maxSurges: unknown field, did you mean "maxSurge"?',
  },
  {
    kind: 'ModelServer',
    spec: { model, strategy: { type: 'RollingUpdate', maxSurge: '25' } },
    says: 'spec.strategy.maxSurge',
  },
  {
    kind: 'ModelServer',
    spec: { model, strategy: { type: 'RollingUpdate', maxUnavailable: '101%' } },
    says: 'spec.strategy.maxUnavailable',
  },
  {
    kind: 'ModelServer',
    spec: { model, strategy: { type: 'RollingUpdate', maxSurge: 0, maxUnavailable: '0%' } },
    says: 'maxSurge and maxUnavailable are both 0',
  },
  {
    kind: 'ModelServer',
    spec: { model, strategy: { type: 'Recreate', maxSurge: 1 } },
    says: 'remove maxSurge and maxUnavailable',
  },
  {
    kind: 'ModelServer',
    spec: { model, runtime: 'tgi' },
    says: 'spec.runtime: Unsupported value: "tgi": supported values: "llamacpp" (chat, completions, embeddings), "tei" (embeddings, reranking, classification), "vllm" (chat, completions)',
  },
  {
    kind: 'ModelServer',
    spec: { model, image, runtime: 'vllm' },
    says: 'runtime brings an image of its own',
  },
  {
    kind: 'Notebook',
    spec: { idleTimeout: '2 hours' },
    says: 'write hours, minutes and seconds in this order, such as "2h", "90m" or "1h30m"',
  },
  {
    kind: 'ModelServer',
    spec: { model, idleTimeout: '1h', replicas: 2 },
    says: 'set replicas to 1 or 0, or remove idleTimeout and use KEDA',
  },
  {
    kind: 'ModelServer',
    spec: { model, idleTimeout: '0m' },
    says: 'leave it out for a ModelServer that never stops',
  },
  { kind: 'Notebook', spec: { idleTimeout: '0s' }, says: 'spec.idleTimeout: Invalid value: ' },
  { kind: 'Notebook', spec: { idleTimeout: '0h00m' }, says: 'must be more than 0' },
  { kind: 'Notebook', spec: { source: 'hf://a/b' }, says: 'unknown field "spec.source"' },
]

/** `name` is the name of the test. */
export const invalid = rows.map((row) => ({
  ...row,
  name: row.when ? `${row.says}, when ${row.when}` : row.says,
}))
