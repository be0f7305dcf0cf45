import type { MessageTrace, RequestTrace } from '../../admin/message-trace.js'
import type { Command } from '../command.js'
import { hopLines } from './actor-command.js'
import { asking, askingOptions } from './admin-client.js'
import { table, timeOfDay } from './table.js'

/** Where a message or a request is, or was. */
export const traceCommand: Command = {
  summary: 'where a message is, hop by hop, or what a request did',
  usage: `usage: npx heliograph trace <message or request> [options]

  user/<account>:<id>  a message by the account's number and the id that this account's devices know it by
  chat/<chat>:<n>      the n-th entry of a chat; a chat is p<user>-<user>, the smaller first, or g<number> of a group
  <trace id>           a request, by the traceId of the log or of another trace

Of a message it tells who sent it, whose boxes have it, which gateways hold their sessions and which devices have
acknowledged it: that is read from the actors, however old the message is. Turns are remembered in memory only, the last
16,384 of each node.

${askingOptions}`,

  async run(args, context) {
    const { client, names, json } = await asking(args, context, { names: ['message or request'], flags: {} })
    const trace = await client.get<MessageTrace | RequestTrace>('trace', { of: names[0]! })
    const { say } = context
    if (json) say(JSON.stringify(trace))
    else for (const line of trace.of === 'message' ? messageLines(trace) : requestLines(trace)) say(line)
    return 0
  },
}

function messageLines({ message, entry, boxes, hops }: MessageTrace): string[] {
  const { type, by, op, atMs } = entry
  const cells = boxes.map(({ user, state, id, gateways, devices }) => [
    `user/${user}`,
    state,
    id === undefined ? '' : String(id),
    gateways.join(', ') || 'none',
    `${devices.filter(({ hasIt }) => hasIt).length} of ${devices.length}`,
  ])
  return [
    `${message}: ${type} by user ${by}, ${new Date(atMs).toISOString()}, operation ${op}`,
    '',
    ...table(['box', 'state', 'id there', 'live on', 'acknowledged by'], cells),
    ...(hops.length > 0 ? ['', ...hopLines(hops)] : ['', 'No node remembers its turns any more.']),
  ]
}

function requestLines({ traceId, hops }: RequestTrace): string[] {
  if (hops.length === 0) return [`No node remembers a turn of ${traceId}.`]
  const [first] = hops
  return [`${traceId}, from ${timeOfDay(first!.atMs - first!.runMs - first!.waitMs)}`, '', ...hopLines(hops)]
}
