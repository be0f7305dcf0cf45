import type { ClusterReport } from '../../../cluster/index.js'
import type { Clock } from '../../../runtime/index.js'
import type { Command } from '../command.js'
import { type AdminClient, asking, askingOptions, CannotAsk } from './admin-client.js'

const lookEveryMs = 500

/** Empties a node, so that it can be stopped without anyone waiting. */
export const drainCommand: Command = {
  summary: 'has a node give all its shards away; --undo gives it its share again',
  usage: `usage: npx heliograph drain <node> [--undo] [--no-wait] [options]

The node gives its shards to the others, one after the other, and gets none. No call fails. The command ends when it has
none left; the node goes on serving clients until it is stopped.

  --undo     it takes its share again
  --no-wait  ends once the register says so
${askingOptions}`,

  async run(args, context) {
    const takes = { names: ['node'], flags: { undo: 'boolean', 'no-wait': 'boolean' } } as const
    const { client, names, json, flags } = await asking(args, context, takes)
    const { say, clock } = context
    const node = names[0]!
    const draining = flags.undo !== true
    if (!(await client.get<ClusterReport>('cluster')).nodes.some((each) => each.node === node)) {
      throw new CannotAsk(`There is no node ${node}. All there are: npx heliograph nodes`)
    }
    await client.post('drain', { node, draining })
    if (draining && flags['no-wait'] !== true) await untilEmpty(client, node, clock, json ? () => undefined : say)
    say(json ? JSON.stringify({ node, draining }) : draining ? `${node} has no shards.` : `${node} takes its share.`)
    return 0
  },
}

async function untilEmpty(client: AdminClient, node: string, clock: Clock, say: (line: string) => void): Promise<void> {
  let last = -1
  for (;;) {
    const { nodes } = await client.get<ClusterReport>('cluster')
    const shards = nodes.find((each) => each.node === node)?.shards ?? 0
    if (shards === 0) return
    if (shards !== last) say(`${node}: ${shards} shards to go`)
    last = shards
    await new Promise<void>((resolve) => clock.setTimer(lookEveryMs, resolve))
  }
}

/** Has the coordinator look now. */
export const rebalanceCommand: Command = {
  summary: 'spreads the shards over the nodes by their weights, now',
  usage: `usage: npx heliograph rebalance [options]

Nodes that come and go are balanced by themselves; this does not wait for it. What is to move is shown by status.

${askingOptions}`,

  async run(args, context) {
    const { client, json } = await asking(args, context, { names: [], flags: {} })
    await client.post('rebalance', {})
    const { view, nodes } = await client.get<ClusterReport>('cluster')
    const moving = nodes.reduce((sum, { going }) => sum + going, 0)
    context.say(json ? JSON.stringify({ view, moving }) : `view ${view}: ${moving} shards are to move`)
    return 0
  },
}
