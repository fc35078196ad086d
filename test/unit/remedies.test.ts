import { describe, expect, test } from 'vitest'
import { type CheckName, remediesFor } from '../remedies.ts'

interface Row {
  readonly finding: string
  readonly check: CheckName
  readonly output: string
  readonly todo: readonly unknown[]
}

const rule = '━'.repeat(40)

const rows: readonly Row[] = [
  {
    finding: 'a wrong type',
    check: 'types',
    output: "hooks/a.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.",
    todo: [expect.stringMatching(/^hooks\/a\.ts: correct the type/)],
  },
  {
    finding: 'a package that is not installed yet',
    check: 'types',
    output: "hooks/a.ts(1,1): error TS2307: Cannot find module 'b' or its type declarations.",
    todo: [expect.stringMatching(/^hooks\/a\.ts: npm ci, if/)],
  },
  {
    finding: 'an unused import',
    check: 'types',
    output: "hooks/a.ts(1,1): error TS6133: 'b' is declared but its value is never read.",
    todo: [expect.stringMatching(/^hooks\/a\.ts: remove what is declared/)],
  },
  {
    finding: 'a line that is formatted otherwise, in two files',
    check: 'format, lint, imports',
    output: `hooks/a.ts format ${rule}\n\nhooks/b.ts format ${rule}`,
    todo: ['hooks/a.ts and 1 more: npm run format'],
  },
  {
    finding: 'imports in another order',
    check: 'format, lint, imports',
    output: `hooks/a.ts:1:1 assist/source/organizeImports  FIXABLE  ${rule}`,
    todo: ['hooks/a.ts: npm run format'],
  },
  {
    finding: 'an import that goes up',
    check: 'format, lint, imports',
    output: `hooks/a.ts:1:23 lint/style/noRestrictedImports ${rule}`,
    todo: [
      expect.stringMatching(/^hooks\/a\.ts: import only from the rooms that CONTRIBUTING\.md/),
    ],
  },
  {
    finding: 'a cycle of imports',
    check: 'format, lint, imports',
    output: `hooks/a.ts:1:23 lint/suspicious/noImportCycles ${rule}`,
    todo: [expect.stringMatching(/^hooks\/a\.ts: move what these files need of each other/)],
  },
  {
    finding: 'a rule that Biome can mend',
    check: 'format, lint, imports',
    output: `hooks/a.ts:4:1 lint/style/useConst  FIXABLE  ${rule}`,
    todo: [expect.stringMatching(/^hooks\/a\.ts: npm run format, or/)],
  },
  {
    finding: 'a rule that only a person can mend, beside a line that is formatted otherwise',
    check: 'format, lint, imports',
    output: `hooks/a.ts:3:23 lint/suspicious/noExplicitAny ${rule}\n\nhooks/b.ts format ${rule}`,
    todo: ['hooks/b.ts: npm run format', expect.stringMatching(/^hooks\/a\.ts: change the line/)],
  },
  {
    finding: 'a file that nobody imports',
    check: 'unused code',
    output: 'Unused files (1)\nhooks/a.ts',
    todo: [expect.stringMatching(/^delete the file, or import it/)],
  },
  {
    finding: 'an export that nobody imports',
    check: 'unused code',
    output: 'Unused exports (1)\nb  hooks/a.ts:2:14',
    todo: [expect.stringMatching(/^delete what is exported/)],
  },
  {
    finding: 'a dependency that nobody imports',
    check: 'unused code',
    output: 'Unused devDependencies (1)\nleft-pad  package.json',
    todo: [expect.stringMatching(/^npm uninstall/)],
  },
  {
    finding: 'an import of a package that is not in package.json',
    check: 'unused code',
    output: 'Unlisted dependencies (1)\nleft-pad  hooks/a.ts',
    todo: [expect.stringMatching(/npm install --save-exact/)],
  },
  {
    finding: 'a stale generated file',
    check: 'generated files',
    output: 'stale, run npm run generate: docs/api.md',
    todo: ['npm run generate, and commit the result'],
  },
  {
    finding: 'a built server that does not load',
    check: 'built server',
    output: 'Error: the server ended: Error [ERR_MODULE_NOT_FOUND]: Cannot find package',
    todo: [expect.stringMatching(/tsconfig\.build\.json/)],
  },
  {
    finding: 'a built server that answers wrongly',
    check: 'built server',
    output: 'answered 500',
    todo: [expect.stringMatching(/^npm run test:protocol/)],
  },
  {
    finding: 'a tool that is not installed',
    check: 'types',
    output: 'spawn tsc ENOENT',
    todo: [expect.stringMatching(/npm ci/)],
  },
]

describe('npm run check says in one line what to do about', () => {
  test.each(rows)('$finding', ({ check, output, todo }) => {
    expect(remediesFor(check, output)).toEqual(todo)
  })
})
