import { type CelRule, string } from './schema/builders.ts'

/** spec.image: the name of a container image. */

/** Visible ASCII: kubectl prints it as a column, and a terminal would interpret other characters. */
export const imagePattern = '^[!-,.-~][!-~]*$'

const label = '[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?'
const port = ':[0-9]+'

/** Without a dot or a port, the first part is not a host but a part of the name. */
const host = `(${label}([.]${label})+(${port})?|${label}${port}|localhost|\\\\[[0-9A-Fa-f:]+\\\\](${port})?)`
const part = '[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*'
const tag = ':[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}'
const digest = '@[A-Za-z0-9]+([-_+.][A-Za-z0-9]+)*:[0-9A-Fa-f]{32,}'

const scheme = '^[A-Za-z][-+.A-Za-z0-9]*://'
const hubPage = '^https?://hub[.]docker[.]com/r/[^/?#]+/[^/?#]+'

/** The kubelet refuses every other name, as InvalidImageName. */
const rules: readonly CelRule[] = [
  {
    rule: `!self.matches('${scheme}')`,
    message: 'an image name must not begin with https://',
    messageExpression: [
      `self.matches('${hubPage}')`,
      `? 'this is a page about an image: write docker.io' + self.find('/r/[^/?#]+/[^/?#]+').substring(2)`,
      `: 'the name of an image has no ' + self.find('${scheme}') + ' before it: write ' + self.substring(self.find('${scheme}').size())`,
    ].join(' '),
  },
  {
    rule: `self.matches('${scheme}') || self.matches('^(${host}/)?${part}(/${part})*(${tag})?(${digest})?$')`,
    message: 'must be [HOST[:PORT]/]NAME[:TAG][@DIGEST]',
    messageExpression: [
      "self.matches('^[^:@]*[A-Z]')",
      "? 'an image name must be lower case, unlike \"' + self.find('^[^:@]*') + '\"'",
      ": 'must be [HOST[:PORT]/]NAME[:TAG][@DIGEST]'",
    ].join(' '),
  },
]

export const image = string('An existing container image, instead of one that is built.', {
  minLength: 1,
  maxLength: 512,
  pattern: imagePattern,
  'x-kubernetes-validations': rules,
})
