import { type CelRule, list, string } from './schema/builders.ts'

/** spec.files: which files of a source are loaded. */

export const files = list(
  'Which files of an hf://, s3:// or gs:// source are loaded: path patterns, in which "*" matches any characters including "/", "?" one character and "[ab]" one of those listed; a leading "!" excludes. Default: all, except that for a Model from the hub copies of the same weights in other formats are left out. ["*"] loads everything.',
  string('A pattern, for instance "*.safetensors" or "!*.bin".', {
    minLength: 1,
    maxLength: 256,
    pattern: '^!?[^\\x00-\\x1f\\x7f!/][^\\x00-\\x1f\\x7f]*$',
  }),
  { minItems: 1, maxItems: 64 },
)

/** Other sources are a single file, or are used in place. */
export const filesOfSource: CelRule = {
  rule: "!has(self.files) || (has(self.source) && self.source.matches('^(hf|s3|gs)://'))",
  message: 'selects files of an hf://, s3:// or gs:// source only: remove files',
  fieldPath: '.files',
  reads: ['files?', 'source'],
}
