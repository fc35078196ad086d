import { defineConfig } from 'vitest/config'

/** One project per tier, so that a tier can be run by its name. */
export default defineConfig({
  test: {
    projects: [{ test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } }],
  },
})
