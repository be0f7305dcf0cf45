import type { ClusterReport, NodeStatus } from '../../../cluster/index.js'
import type { Command } from '../command.js'
import { asking, askingOptions } from './admin-client.js'
import { count, duration, table } from './table.js'

/** How a node is, in a word. */
function stateOf({ isAlive, isHalted, isDraining, report }: NodeStatus): string {
  if (!isAlive) return 'silent'
  if (isHalted) return 'halted'
  if (report === undefined) return 'unanswering'
  return isDraining ? 'draining' : 'alive'
}

function shardsOf({ shards, coming, going }: NodeStatus): string {
  const moves = [coming > 0 ? `+${coming}` : '', going > 0 ? `-${going}` : ''].filter((each) => each !== '')
  return moves.length === 0 ? String(shards) : `${shards} (${moves.join(' ')})`
}

function loadOf(status: NodeStatus) {
  return status.report?.load ?? status.load
}

/** Who is there and what each does. */
export const statusCommand: Command = {
  summary: 'the cluster: its nodes, their roles, shards and load',
  usage: `usage: npx heliograph status [options]

A node is alive; draining: it gives its shards away, and none comes to it; unanswering: the others hear it, but it does not
answer this question; halted: it has no lease, so that nothing it does counts; silent: the others do not hear it.

${askingOptions}`,

  async run(args, context) {
    const { client, json } = await asking(args, context, { names: [], flags: {} })
    const report = await client.get<ClusterReport>('cluster')
    const { say } = context
    if (json) say(JSON.stringify(report))
    else for (const line of statusLines(report)) say(line)
    return 0
  },
}

function statusLines({ cluster, view, shardCount, nodes }: ClusterReport): string[] {
  const head = ['node', 'state', 'roles', 'shards', 'cpu', 'calls/s', 'actors', 'clients', 'lag', 'up']
  const rows = nodes.map((status) => {
    const load = loadOf(status)
    return [
      status.node,
      stateOf(status),
      status.roles.join(', '),
      shardsOf(status),
      load ? `${load.cpu.toFixed(2)} of ${load.cores}` : '',
      load ? count(load.callsPerSecond) : '',
      load ? count(load.residents) : '',
      load ? count(load.connections) : '',
      load ? duration(load.loopLagMs) : '',
      status.report ? duration(status.report.upMs) : '',
    ]
  })
  return [`cluster ${cluster}, view ${view}, ${shardCount} shards`, '', ...table(head, rows)]
}

/** Where each node is and what it runs. */
export const nodesCommand: Command = {
  summary: 'the nodes: addresses, versions, weights, phases of their shards',
  usage: `usage: npx heliograph nodes [options]

${askingOptions}`,

  async run(args, context) {
    const { client, json } = await asking(args, context, { names: [], flags: {} })
    const { nodes } = await client.get<ClusterReport>('cluster')
    const { say } = context
    if (json) {
      say(JSON.stringify(nodes))
      return 0
    }
    const head = ['node', 'state', 'address', 'roles', 'weight', 'version', 'view', 'incarnation', 'phases']
    const rows = nodes.map((status) => {
      const { node, address, roles, weight, incarnation, report } = status
      const phases = Object.entries(report?.phases ?? {}).filter(([, shards]) => shards > 0)
      return [
        node,
        stateOf(status),
        address || '-',
        roles.join(', '),
        String(weight),
        report?.version ?? '',
        report ? String(report.view) : '',
        incarnation,
        phases.map(([phase, shards]) => `${shards} ${phase}`).join(', '),
      ]
    })
    for (const line of table(head, rows)) say(line)
    return 0
  },
}
