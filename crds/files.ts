import { type CelRule, list, string } from './schema/builders.ts'

/** spec.files: which files of a source are loaded. */

export const files = list(
  'Which files of an hf://, s3:// or gs:// source are loaded: patterns of their paths, in which "*" is any characters, "/" too, "?" one character and "[ab]" one of several; "!" in front excludes. Default: all, but of a Model on the hub no copies of the same weights in other formats. ["*"] is all.',
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
  message: 'chooses among the files of an hf://, s3:// or gs:// source: remove files',
  fieldPath: '.files',
  reads: ['files?', 'source'],
}
