import type { Migration } from './migration.js'

/**
 * From here on derived rows whose places are hashes lie in slices (derived-buckets.ts). The tables are as they were, and so
 * are rows that are there; but a program that knows version 1 alone would not find what is written now.
 */
export const slices: Migration = { version: 2, name: 'slices of derived rows', statements: [] }
