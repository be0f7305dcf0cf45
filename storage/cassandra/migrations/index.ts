import { journals } from './0001-journals.js'
import type { Migration } from './migration.js'

/** All steps of the schema, oldest first. */
export const migrations: readonly Migration[] = [journals]
