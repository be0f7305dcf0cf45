import type {
  NodeId,
  NodeIncarnation,
  NodeLease,
  NodeMember,
  NodeRole,
  OwnershipRegister,
  OwnershipView,
  ShardRun,
} from '../../runtime/index.js'
import { ActorError, errorCode } from '../../runtime/index.js'
import { numberOf } from './journal-rows.js'
import type { CassandraSession, Row, Statement } from './session.js'

/**
 * The register in Cassandra: all changes by LWT at SERIAL, which decides over all data centres.
 *
 * G1. One LWT a partition is in flight from this process: more of them only make each other fail.
 * G2. When an LWT has no answer, a read at SERIAL ends what was left undecided and shows what became of it (W2).
 * G3. A read at SERIAL makes the replicas agree as an LWT does, and the two get in each other's way. Whoever follows reads at
 *     quorum, where a view stands once it was decided and told; one LWT writes all columns, so that a view is read whole.
 */
export class CassandraRegister implements OwnershipRegister {
  readonly #session: CassandraSession
  /** The last change of each partition. */
  readonly #changing = new Map<string, Promise<unknown>>()

  constructor(session: CassandraSession) {
    this.#session = session
  }

  async read(): Promise<OwnershipView | undefined> {
    const [row] = await this.#session.readSerial({ query: register.read, parameters: [name] })
    return row && viewOf(row)
  }

  async glance(): Promise<OwnershipView | undefined> {
    const [row] = await this.#session.read({ query: register.read, parameters: [name] }, 'quorum')
    return row && viewOf(row)
  }

  change(next: OwnershipView): Promise<boolean> {
    const members = next.members.map(encodeMember)
    const shards = encodeShards(next)
    const values = [next.view, next.shardCount, members, shards]
    const statement =
      next.view === 1
        ? { query: register.insert, parameters: [name, ...values] }
        : { query: register.update, parameters: [...values, name, next.view - 1] }
    return this.#decide(name, statement, async () => {
      const [row] = await this.#session.readSerial({ query: register.read, parameters: [name] })
      const stored = row === undefined ? 0 : numberOf(row.view_number)
      // A coordinator that is slow may still apply it, as long as nothing else has been.
      if (stored < next.view) throw new ActorError('OUTCOME_UNKNOWN', `View ${next.view} is not decided yet.`)
      return stored === next.view && row?.shards === shards && isSameList(row.members, members)
    })
  }

  async readLease(node: NodeId): Promise<NodeLease | undefined> {
    const [row] = await this.#session.readSerial({ query: leases.read, parameters: [node] })
    return row && leaseOf(row)
  }

  takeLease({ node, incarnation, lengthMs }: NodeLease, former: NodeLease | undefined): Promise<boolean> {
    const statement = former
      ? { query: leases.take, parameters: [incarnation, lengthMs, node, former.incarnation] }
      : { query: leases.insert, parameters: [node, incarnation, lengthMs] }
    return this.#decide(`lease ${node}`, statement, async () => {
      return (await this.readLease(node))?.incarnation === incarnation
    })
  }

  renewLease({ node, incarnation, renewals }: NodeLease): Promise<boolean> {
    const statement = { query: leases.renew, parameters: [renewals, node, incarnation] }
    return this.#decide(`lease ${node}`, statement, async () => {
      const lease = await this.readLease(node)
      if (lease?.incarnation !== incarnation || lease.isRevoked) return false
      // It was not revoked, but neither is it renewed by what was sent then.
      if (lease.renewals === renewals) return true
      throw new ActorError('OUTCOME_UNKNOWN', `The lease of ${node} was not renewed in time. Renew it again.`)
    })
  }

  async revokeLease({ node, incarnation }: NodeIncarnation): Promise<boolean> {
    const isGone = async () => {
      const lease = await this.readLease(node)
      return lease?.incarnation !== incarnation || lease.isRevoked
    }
    const statement = { query: leases.revoke, parameters: [node, incarnation] }
    return (await this.#decide(`lease ${node}`, statement, isGone)) || isGone()
  }

  #decide(partition: string, statement: Statement, wasApplied: () => Promise<boolean>): Promise<boolean> {
    const before = this.#changing.get(partition) ?? Promise.resolve()
    const deciding = before.then(async () => {
      try {
        return (await this.#session.writeIf(statement)).applied
      } catch (error) {
        if (errorCode(error) !== 'OUTCOME_UNKNOWN') throw error
        return await wasApplied().catch(() => {
          throw error
        })
      }
    })
    const settled = deciding.then(nothing, nothing).then(() => {
      if (this.#changing.get(partition) === settled) this.#changing.delete(partition)
    })
    this.#changing.set(partition, settled)
    return deciding
  }
}

const name = 'shards'

const register = {
  read: 'SELECT view_number, shard_count, members, shards FROM register WHERE name = ?',
  insert: 'INSERT INTO register (name, view_number, shard_count, members, shards) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS',
  update: `UPDATE register SET view_number = ?, shard_count = ?, members = ?, shards = ?
    WHERE name = ? IF view_number = ?`,
}

const leases = {
  read: 'SELECT node, incarnation, length_ms, renewals, revoked FROM leases WHERE node = ?',
  insert: `INSERT INTO leases (node, incarnation, length_ms, renewals, revoked)
    VALUES (?, ?, ?, 0, false) IF NOT EXISTS`,
  take: `UPDATE leases SET incarnation = ?, length_ms = ?, renewals = 0, revoked = false
    WHERE node = ? IF incarnation = ?`,
  renew: 'UPDATE leases SET renewals = ? WHERE node = ? IF incarnation = ? AND revoked = false',
  revoke: 'UPDATE leases SET revoked = true WHERE node = ? IF incarnation = ?',
}

export function registerStatements(): string[] {
  return [...Object.values(register), ...Object.values(leases)]
}

const nothing = () => undefined

function isSameList(stored: unknown, texts: readonly string[]): boolean {
  return JSON.stringify(stored ?? []) === JSON.stringify(texts)
}

function encodeMember({ node, incarnation, address, roles, weight, isDraining }: NodeMember): string {
  return JSON.stringify([node, incarnation, address, roles, weight, isDraining])
}

/**
 * As `0-2047:0@7 2048-4095:1@9!>0`: the first and last shard of a run, its owner's place among the members, its epoch,
 * `!` where that owner must wait, and the next owner's place.
 */
function encodeShards({ members, shards }: OwnershipView): string {
  const places = new Map(members.map(({ node, incarnation }, place) => [node, { incarnation, place }]))
  const placeOf = (of: NodeIncarnation, { from, to }: ShardRun) => {
    const found = places.get(of.node)
    if (found?.incarnation === of.incarnation) return found.place
    throw new TypeError(`Shards ${from}-${to} are of ${of.node}, who is no member`)
  }
  return shards
    .map((run) => {
      const { from, to, owner, next, epoch, mustWait } = run
      const place = owner === undefined ? '-' : placeOf(owner, run)
      const after = next === undefined ? '' : `>${placeOf(next, run)}`
      return `${from}${to === from ? '' : `-${to}`}:${place}@${epoch}${mustWait ? '!' : ''}${after}`
    })
    .join(' ')
}

function viewOf(row: Row): OwnershipView {
  const members = ((row.members ?? []) as readonly string[]).map(decodeMember)
  const nodes = members.map(({ node, incarnation }) => ({ node, incarnation }))
  const runs = (row.shards as string).split(' ').map((text) => decodeRun(text, nodes))
  return { view: numberOf(row.view_number), shardCount: row.shard_count as number, members, shards: runs }
}

function decodeMember(text: string): NodeMember {
  const [node, incarnation, address, roles, weight, isDraining] = JSON.parse(text) as StoredMember
  return { node, incarnation, address, roles, weight, isDraining }
}

type StoredMember = readonly [string, string, string, readonly NodeRole[], number, boolean]

/** `nodes`: the members, one object each, so that whoever compares owners sees at once that they are the same. */
function decodeRun(text: string, nodes: readonly NodeIncarnation[]): ShardRun {
  const found = /^(\d+)(?:-(\d+))?:(\d+|-)@(\d+)(!?)(?:>(\d+))?$/.exec(text)
  const [, from = '', to = from, place = '-', epoch = '', wait = '', nextPlace] = found ?? []
  const owner = nodes[Number(place)]
  const next = nodes[Number(nextPlace)]
  if (found === null || (owner === undefined && place !== '-') || (next === undefined && nextPlace !== undefined)) {
    throw new ActorError('CORRUPT', `The register of shards does not decode at "${text}". Restore a backup.`)
  }
  return { from: Number(from), to: Number(to), epoch: Number(epoch), owner, next, mustWait: wait === '!' }
}

function leaseOf(row: Row): NodeLease {
  return {
    node: row.node as string,
    incarnation: row.incarnation as string,
    lengthMs: row.length_ms as number,
    renewals: numberOf(row.renewals),
    isRevoked: row.revoked as boolean,
  }
}
