import type { ActorAddress, JournalStore, OpenedJournal, OpenRequest, Position, Writer } from '../../runtime/index.js'
import { ActorError } from '../../runtime/index.js'
import { isAfter, isOlder, isSame, overtaken } from '../order.js'
import { BucketList } from './buckets.js'
import { NotedBuckets } from './derived-buckets.js'
import { withoutDoubt } from './failures.js'
import { decodeStanding } from './handed.js'
import { type History, lastCommitOf, readHistory } from './history.js'
import { CassandraJournal, type HandleStore, type Standing } from './journal.js'
import { insertOf } from './journal-rows.js'
import { isSameWriter, succeed } from './lineage.js'
import { insertOfLineage, removalOfOlder, type StoredLineage } from './lineage-rows.js'
import type { CassandraLimits } from './options.js'
import type { CassandraSession } from './session.js'
import type { Stamps } from './stamps.js'
import { tableOf } from './tables.js'

/**
 * JournalStore on Cassandra (docs/decisions/0008-cassandra.md).
 *
 * 1. Between processes the fence is the lineage (CORE J3): before `open` resolves, its own is durable at quorum, and so are
 *    all rows of the last commit that it read (J5). What an overtaken owner still writes has a key of its own and is in
 *    nobody's lineage. That it acknowledges nothing is its lease's work (O2), not the store's.
 * 2. Within a process the newest handle of an actor stands in `#newest`: an older one is overtaken the moment a newer
 *    `open` begins, and what it had in flight ends before that reads.
 * 3. A commit is one mutation of one partition (S2). Rows that must come before it, and the row that begins its bucket, are
 *    durable before it is sent (S4, J9); when those fail, it was not sent.
 * 4. A writer is kept only within its epoch, when the caller says that it ended with nothing in flight and no handle of it
 *    is left: then nothing needs to be written.
 * 5. With what the former owner's handle said (S9) nothing is read: its lineage is the newest there can be, since it is of
 *    the epoch before, and what it stands on is at quorum.
 */
export class CassandraJournals implements JournalStore, HandleStore {
  readonly session: CassandraSession
  readonly stamps: Stamps
  readonly limits: Pick<CassandraLimits, 'bucketBytes' | 'bucketPts'>
  readonly noted = new NotedBuckets()
  readonly #newest = new Map<string, CassandraJournal>()

  constructor(session: CassandraSession, stamps: Stamps, limits: Pick<CassandraLimits, 'bucketBytes' | 'bucketPts'>) {
    this.session = session
    this.stamps = stamps
    this.limits = limits
  }

  async open(actor: ActorAddress, request: OpenRequest): Promise<OpenedJournal> {
    const name = nameOf(actor)
    const predecessor = this.#newest.get(name)
    if (predecessor && isOlder(request, predecessor.asked)) throw overtaken(actor)
    const journal = new CassandraJournal(this, actor, { epoch: request.epoch, attempt: request.attempt })
    this.#newest.set(name, journal)
    journal.begin()
    try {
      if (predecessor) await predecessor.overtake()
      if (request.handed !== undefined) {
        const standing = await this.#takeHanded(actor, request.handed, journal.asked)
        if (journal.isOver) throw overtaken(actor)
        if (standing !== undefined) {
          journal.stand(standing)
          return { journal, writer: journal.asked, tail: [], isHanded: true }
        }
      }
      const history = await readHistory(this.session, actor, request)
      if (journal.isOver) throw overtaken(actor)
      const mayKeep = request.mayKeepWriter && predecessor === undefined
      const own = await this.#takeOver(actor, history, mayKeep, journal.asked)
      const standing = await this.#standingOf(actor, history, own)
      if (journal.isOver) throw overtaken(actor)
      journal.stand(standing)
      const snapshot = history.snapshot?.snapshot
      return {
        journal,
        writer: own.writer,
        tail: history.tail.map(({ entry }) => entry),
        ...(snapshot && { snapshot }),
      }
    } catch (error) {
      journal.close()
      throw withoutDoubt(error)
    } finally {
      journal.end()
    }
  }

  /** Forgets a handle that is not used any more, unless a newer one has taken its place. */
  forget(journal: CassandraJournal): void {
    const name = nameOf(journal.actor)
    if (this.#newest.get(name) === journal) this.#newest.delete(name)
  }

  /**
   * As after reading it all: the former owner had the newest lineage, and ended with nothing in flight, so that all rows of its
   * last commit are at quorum (J5).
   */
  async #takeHanded(actor: ActorAddress, handed: Uint8Array, writer: Writer): Promise<Standing | undefined> {
    const found = decodeStanding(handed, actor, writer)
    if (found === undefined) return undefined
    const { former, ...standing } = found
    return { ...standing, own: await this.#claim(actor, former, standing.head, writer) }
  }

  /** Makes durable what must be before anything is answered (J3, J5). */
  async #takeOver(actor: ActorAddress, history: History, mayKeep: boolean, writer: Writer): Promise<StoredLineage> {
    const { former, head } = history
    if (former && mayKeep && isKept(former, writer)) return former
    if (isSameWriter(former?.writer, writer)) {
      throw new ActorError('INTERNAL', `Attempt ${writer.attempt} of epoch ${writer.epoch} was used before. Count on.`)
    }
    const [own] = await Promise.all([
      this.#claim(actor, former, head, writer),
      this.#writeLastCommitAgain(actor, history),
    ])
    return own
  }

  /** Makes this writer's lineage durable, as one that has read the history up to the head. */
  async #claim(
    actor: ActorAddress,
    former: StoredLineage | undefined,
    head: Position,
    writer: Writer,
  ): Promise<StoredLineage> {
    const lineage = succeed(former?.lineage ?? [], head, writer)
    const life = former?.life ?? 0
    const own: StoredLineage = { writer, lineage, life, generation: (former?.generation ?? 0) + 1 }
    await this.session.write(insertOfLineage(actor, own))
    const removal = removalOfOlder(actor, own, former)
    if (removal) await this.session.write(removal).catch(() => undefined)
    return own
  }

  async #writeLastCommitAgain(actor: ActorAddress, { tail }: History): Promise<void> {
    const last = lastCommitOf(tail)
    if (last.length === 0) return
    const table = tableOf(actor.kind)
    await this.session.writeTogether(last.map((each) => insertOf(table, actor, each)))
  }

  async #standingOf(actor: ActorAddress, history: History, own: StoredLineage): Promise<Standing> {
    const { head, snapshot, tail } = history
    const buckets = new BucketList(actor, own.lineage, history.buckets)
    await buckets.after(this.session, head)
    const isEmptyBucket = !isAfter(head, buckets.last.from)
    const atSnapshot = snapshot && isSame(snapshot.snapshot.position, head) ? snapshot.bucketBytes : 0
    const bucketBytes = isEmptyBucket ? 0 : (tail.at(-1)?.bucketBytes ?? atSnapshot)
    const snapshotAt = snapshot?.snapshot.position
    return { own, buckets, head, bucketBytes, snapshotAt }
  }
}

/** Of this epoch, and still the one that reigns: an erased journal has no writer. */
function isKept({ writer, lineage }: StoredLineage, { epoch }: Writer): boolean {
  return writer.epoch === epoch && isSameWriter(lineage.at(-1), writer)
}

function nameOf({ kind, key }: ActorAddress): string {
  return `${kind.length}:${kind}/${key}`
}
