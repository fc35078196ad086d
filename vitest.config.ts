import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const env = {
  // Commands are started by the hundred: Node keeps what it has compiled of them.
  NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'node'),
  // What is drawn does not depend on where the tests run.
  TERM: 'xterm',
}

/** Files at once, where a good part of a test is to wait for a clock or a socket. */
const waiting = 4

/** Continuous integration runs these tiers beside a real node that builds images. */
const busy = 120_000

/** These files use no control plane but their own, so that they can run side by side. */
const ownControlPlane = 'test/cluster/helm*.test.ts'

/** Test names are read as a specification: none is cut. A project inherits nothing, so each says it. */
const taskTitleValueFormatTruncate = 0
const setupFiles = ['test/titles.ts']

/** One project per tier, so that a tier can be run by its name; one tier after the other. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          taskTitleValueFormatTruncate,
          setupFiles,
          include: ['test/unit/**/*.test.ts'],
          // Pure functions share nothing, so that the files may share their modules.
          pool: 'threads',
          isolate: false,
          maxWorkers: waiting,
          sequence: { groupOrder: 0 },
          testTimeout: 30_000,
          env,
        },
      },
      {
        test: {
          name: 'histories',
          taskTitleValueFormatTruncate,
          setupFiles,
          // Ten thousand random histories of objects, in two files that run side by side.
          include: ['test/histories/**/*.test.ts'],
          pool: 'threads',
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 8 },
          testTimeout: 60_000,
          env,
        },
      },
      {
        test: {
          name: 'protocol',
          taskTitleValueFormatTruncate,
          setupFiles,
          include: ['test/protocol/**/*.test.ts'],
          maxWorkers: waiting,
          sequence: { groupOrder: 1 },
          testTimeout: busy,
          env,
        },
      },
      {
        test: {
          name: 'hostile',
          taskTitleValueFormatTruncate,
          setupFiles,
          // Attacks, a file for each actor: what is tried, and what must happen.
          include: ['test/hostile/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          testTimeout: busy,
          env,
        },
      },
      {
        test: {
          name: 'commands',
          taskTitleValueFormatTruncate,
          setupFiles,
          include: ['test/commands/**/*.test.ts'],
          // Whole processes are started, on whatever machine.
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
          testTimeout: busy,
          env,
        },
      },
      {
        test: {
          name: 'node',
          taskTitleValueFormatTruncate,
          setupFiles,
          include: ['test/node/**/*.test.ts'],
          globalSetup: ['test/node/nodesetup.ts'],
          fileParallelism: false,
          // Cases that are side by side mostly wait: for a kubelet, a Job's next try, a probe.
          maxConcurrency: 8,
          sequence: { groupOrder: 5 },
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'vllm',
          taskTitleValueFormatTruncate,
          setupFiles,
          // Run by hand: what it installs has several gigabytes.
          include: ['test/vllm/**/*.test.ts'],
          globalSetup: ['test/node/nodesetup.ts'],
          sequence: { groupOrder: 7 },
          testTimeout: 900_000,
          hookTimeout: 3_600_000,
        },
      },
      {
        test: {
          name: 'kueue',
          taskTitleValueFormatTruncate,
          setupFiles,
          // Run by hand: Kueue is built from its Go module.
          include: ['test/kueue/**/*.test.ts'],
          globalSetup: ['test/kueue/kueuesetup.ts'],
          sequence: { groupOrder: 8 },
          testTimeout: 180_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'faults',
          taskTitleValueFormatTruncate,
          setupFiles,
          // Run by hand: a control plane is broken in one way after another, for a quarter of an hour.
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/faults/faultsetup.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 9 },
          testTimeout: 1_800_000,
          hookTimeout: 1_800_000,
          env,
        },
      },
      {
        test: {
          name: 'up',
          taskTitleValueFormatTruncate,
          setupFiles,
          include: ['test/up/**/*.test.ts'],
          // It follows the tier node: there is room for one real node.
          sequence: { groupOrder: 6 },
          testTimeout: 300_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'cluster',
          taskTitleValueFormatTruncate,
          setupFiles,
          include: ['test/cluster/**/*.test.ts'],
          exclude: [ownControlPlane],
          globalSetup: ['test/cluster/setup.ts'],
          // One control plane serves all files, one after the other, because many change it for a while.
          fileParallelism: false,
          sequence: { groupOrder: 4 },
          testTimeout: 120_000,
          hookTimeout: 1_800_000,
        },
      },
      {
        test: {
          name: 'helm',
          taskTitleValueFormatTruncate,
          setupFiles,
          include: [ownControlPlane],
          maxWorkers: 2,
          sequence: { groupOrder: 10 },
          testTimeout: 120_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
})
