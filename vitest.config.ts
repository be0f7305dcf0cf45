import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    environment: 'node',
    include: ['{runtime,storage,actors,cluster,gateway,server,bench,simulation,chaos,test}/**/*.test.ts'],
    globalSetup: ['test/global-setup.mjs'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    allowOnly: false,
    server: {
      // Megabytes of generated code are plain JavaScript already: loaded by Node itself, not rewritten for each worker.
      deps: { external: [/\/gateway\/tl\/generated\//] },
    },
  },
})
