/** What to do about a finding of `npm run check`, in one line. */

export type CheckName =
  | 'types'
  | 'format, lint, imports'
  | 'unused code'
  | 'generated files'
  | 'built server'

interface Remedy {
  readonly check: CheckName
  /** Matches the output of the tool. The group `where` is the location, if the finding has one. */
  readonly finding: RegExp
  readonly todo: string
}

const remedies: readonly Remedy[] = [
  {
    check: 'types',
    finding: /^(?<where>\S+?)\(.*error TS(6133|6192|6196|6198):/gm,
    todo: 'remove what is declared and never used',
  },
  {
    check: 'types',
    finding: /^(?<where>\S+?)\(.*error TS(2307|2882):/gm,
    todo: 'npm ci, if package.json has the package; otherwise correct the import',
  },
  {
    check: 'types',
    finding: /^(?<where>\S+?)\(.*error TS(?!2307|2882|6133|6192|6196|6198)/gm,
    todo: 'correct the type at the line that is named, without any and without a cast',
  },
  {
    check: 'format, lint, imports',
    finding: /^(?<where>[^\s:]+)\S* (format|assist\/\S+)\s.*━/gm,
    todo: 'npm run format',
  },
  {
    check: 'format, lint, imports',
    finding: /^(?<where>\S+?):\S+ lint\/\S+\s+FIXABLE.*━/gm,
    todo: 'npm run format, or npm run format -- --unsafe where it calls the fix unsafe; read the diff',
  },
  {
    check: 'format, lint, imports',
    finding: /^(?<where>\S+?):\S+ lint\/style\/noRestrictedImports\s.*━/gm,
    todo: 'import only from the rooms that CONTRIBUTING.md lists for this one ("Where things live"); move what both need into the lower room',
  },
  {
    check: 'format, lint, imports',
    finding: /^(?<where>\S+?):\S+ lint\/suspicious\/noImportCycles\s.*━/gm,
    todo: 'move what these files need of each other into a file that imports neither',
  },
  {
    check: 'format, lint, imports',
    finding:
      /^(?<where>\S+?):\S+ (lint\/(?!style\/noRestrictedImports|suspicious\/noImportCycles)\S+|parse|suppressions\/\S+)\s+(?!FIXABLE)\S*━/gm,
    todo: 'change the line that is named; biome.json says which rules hold where',
  },
  {
    check: 'unused code',
    finding: /^Unused files/m,
    todo: 'delete the file, or import it; a program that is started by its path belongs in "entry" of knip.json',
  },
  {
    check: 'unused code',
    finding: /^(Unused exports|Unused exported types|Duplicate exports|Unused .*members)/m,
    todo: 'delete what is exported and never imported, or only its export where its own file uses it',
  },
  {
    check: 'unused code',
    finding: /^Unused (devDependencies|dependencies)/m,
    todo: 'npm uninstall NAME, and delete its row in CONTRIBUTING.md',
  },
  {
    check: 'unused code',
    finding: /^(Unlisted dependencies|Unresolved imports)/m,
    todo: 'correct the import, or npm install --save-exact NAME and add a row in CONTRIBUTING.md',
  },
  {
    check: 'unused code',
    finding: /^Unlisted binaries/m,
    todo: 'add the command to "ignoreBinaries" of knip.json, and its Debian package to .ci/run',
  },
  {
    check: 'unused code',
    finding: /^Configuration hints/m,
    todo: 'change knip.json as the hint says',
  },
  { check: 'generated files', finding: /^stale/m, todo: 'npm run generate, and commit the result' },
  {
    check: 'built server',
    finding: /error TS\d+/,
    todo: 'mend the types; npm run build compiles what tsconfig.build.json includes, and nothing else',
  },
  {
    check: 'built server',
    finding: /the server ended/,
    todo: 'npm run build && node dist/cli/main.js serve --http 127.0.0.1:8080; what it imports must be in "include" of tsconfig.build.json and in "dependencies" of package.json',
  },
  {
    check: 'built server',
    finding: /^answered/m,
    todo: 'npm run test:protocol; the hook of a Model that is just an image must answer ready',
  },
]

/** For a failed check: a line for each kind of finding in its output, or a general one. */
export function remediesFor(check: CheckName, output: string): readonly string[] {
  const lines = remedies
    .filter((remedy) => remedy.check === check && output.search(remedy.finding) >= 0)
    .map(({ finding, todo }) => `${placesOf(finding, output)}${todo}`)
  return lines.length ? lines : [`the tool itself failed: npm ci, then npm run check`]
}

/** The first locations of a finding; the tool's own output has all of them. */
function placesOf(finding: RegExp, output: string): string {
  if (!finding.global) return ''
  const places = new Set([...output.matchAll(finding)].map(({ groups }) => groups?.where ?? ''))
  const [first, ...others] = places
  return `${first}${others.length ? ` and ${others.length} more` : ''}: `
}
