import { defineConfig } from 'vitest/config'

/** One project per tier, so that a tier can be run by its name. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          name: 'protocol',
          include: ['test/protocol/**/*.test.ts'],
          // Whole commands are started, on whatever machine.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          globalSetup: ['test/cluster/setup.ts'],
          // One control plane serves all files, one after the other: two cores carry no more.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
})
