import type { SenderPath } from './transport.js'

/**
 * Under which shard and epoch a call was made, and above it those that wait for it: a receiver that knows a newer epoch
 * refuses it, and a shard that is given up lets in what it waits for itself.
 */
export interface Sender {
  readonly shard: number
  readonly epoch: number
  readonly up: Sender | undefined
}

export function senderPath(sender: Sender | undefined): SenderPath | undefined {
  if (sender === undefined) return undefined
  const path = [sender.epoch]
  for (let link: Sender | undefined = sender; link !== undefined; link = link.up) path.push(link.shard)
  return path
}

/** Of those above the first only the shards are told. */
export function toSender(path: SenderPath | undefined): Sender | undefined {
  if (path === undefined || path.length < 2) return undefined
  let sender: Sender | undefined
  for (let i = path.length - 1; i > 0; i--) {
    sender = { shard: path[i] as number, epoch: i === 1 ? (path[0] as number) : 0, up: sender }
  }
  return sender
}
