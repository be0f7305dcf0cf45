import { actorCommand, actorsCommand } from './admin/actor-command.js'
import { drainCommand, rebalanceCommand } from './admin/drain-command.js'
import { nodesCommand, statusCommand } from './admin/status-command.js'
import { tailCommand } from './admin/tail-command.js'
import { traceCommand } from './admin/trace-command.js'
import type { Command } from './command.js'
import { migrateCommand } from './migrate-command.js'
import { schemaCommand } from './schema-command.js'
import { shardsCommand } from './shards-command.js'

/** All commands but `help`, by name, in the order in which they are listed. */
export const commands: ReadonlyMap<string, Command> = new Map([
  ['status', statusCommand],
  ['nodes', nodesCommand],
  ['drain', drainCommand],
  ['rebalance', rebalanceCommand],
  ['actors', actorsCommand],
  ['actor', actorCommand],
  ['tail', tailCommand],
  ['trace', traceCommand],
  ['schema', schemaCommand],
  ['migrate', migrateCommand],
  ['shards', shardsCommand],
])

/** What `help` says: the list, or one command. Undefined for a command that there is not. */
export function helpText(name?: string): string | undefined {
  if (name !== undefined) return commands.get(name)?.usage
  const listed = [...commands, ['help', { summary: 'this list; help <command>: all about one' }] as const]
  const lines = listed.map(([each, { summary }]) => `  ${each.padEnd(10)}${summary}`)
  return ['usage: npx heliograph <command> [options]', '', ...lines].join('\n')
}
