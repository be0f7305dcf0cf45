import { journals } from './0001-journals.js'
import { slices } from './0002-slices.js'
import type { Migration } from './migration.js'

/** All steps of the schema, oldest first. */
export const migrations: readonly Migration[] = [journals, slices]
