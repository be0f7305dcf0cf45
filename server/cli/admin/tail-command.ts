import type { ClusterEvent } from '../../../cluster/index.js'
import type { Command } from '../command.js'
import { asking, askingOptions } from './admin-client.js'
import { timeOfDay } from './table.js'

/** What happens, as it happens. */
export const tailCommand: Command = {
  summary: 'joins, moves, takeovers and refusals, as they happen',
  usage: `usage: npx heliograph tail [options]

Begins with what the node that is asked remembers, and goes on until Ctrl-C.

${askingOptions}`,

  async run(args, context) {
    const { client, json } = await asking(args, context, { names: [], flags: {} })
    for await (const line of client.lines('tail'))
      context.say(json ? line : eventLine(JSON.parse(line) as ClusterEvent))
    return 0
  },
}

function eventLine({ atMs, kind, view, by, text }: ClusterEvent): string {
  return `${timeOfDay(atMs)}  ${kind.padEnd(10)}  ${text}  (view ${view}, said by ${by})`
}
