import type { NodeId } from '../../runtime/index.js'

/** All subjects of one cluster: several clusters may share NATS servers. Permissions: `heliograph.<cluster>.>` and `_INBOX.>`. */
export interface Subjects {
  /** One node's heartbeats. */
  heartbeat(node: NodeId): string
  readonly everyHeartbeat: string
  /** Asks one node whether it is there. */
  node(node: NodeId): string
  /** What happens in the cluster. */
  readonly events: string
}

export function subjectsOf(cluster: string): Subjects {
  const root = `heliograph.${token(cluster)}`
  return {
    heartbeat: (node) => `${root}.heartbeat.${token(node)}`,
    everyHeartbeat: `${root}.heartbeat.*`,
    node: (node) => `${root}.node.${token(node)}`,
    events: `${root}.events`,
  }
}

/** A name as one token of a subject: what has a meaning there is written as `=` and four hexadecimal digits. */
function token(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, (character) => `=${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
