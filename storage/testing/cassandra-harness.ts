import type { AgendaStore, JournalStore, UndeliveredRow } from '../../runtime/index.js'
import { storageOn } from '../cassandra/cassandra-storage.js'
import { defaultLimits } from '../cassandra/options.js'
import type { CassandraSession, Statement } from '../cassandra/session.js'
import type { StorageHarness } from '../contract/harness.js'

let worlds = 0

/**
 * Worlds on one keyspace: each harness puts its own mark before the keys of its actors, which is the disk that outlives its
 * processes. A process is a driver of its own on a session that can be cut off: then nothing of it settles any more, nothing
 * more is sent, and what the server was doing has ended.
 */
export function cassandraHarness(session: () => CassandraSession): StorageHarness {
  const mark = `${++worlds}~`
  let epoch = 0
  let cut: CuttableSession | undefined
  let crashed = () => {}
  return {
    async start() {
      epoch++
      cut = new CuttableSession(session(), () => crashed())
      const { journals, agenda } = storageOn(cut, defaultLimits)
      const own = cut
      return {
        journals: marked(journals, mark),
        agenda: markedAgenda(agenda, mark),
        epoch,
        stop: () => own.idle(),
      }
    },
    async crash() {
      await cut?.crash()
    },
    crashAfter(writes) {
      cut?.crashAfter(writes)
      return new Promise((resolve) => {
        crashed = resolve
      })
    },
    async dispose() {},
  }
}

/** Passes requests on until it is cut. */
class CuttableSession implements CassandraSession {
  readonly #session: CassandraSession
  readonly #onCrash: () => void
  readonly #running = new Set<Promise<unknown>>()
  #writesLeft = Number.POSITIVE_INFINITY
  #isDead = false
  /** Writes one after another while they are counted. */
  #lastWrite: Promise<unknown> = Promise.resolve()

  constructor(session: CassandraSession, onCrash: () => void) {
    this.#session = session
    this.#onCrash = onCrash
  }

  crashAfter(writes: number): void {
    this.#writesLeft = writes
  }

  /** Resolves when the server has ended what it was doing. */
  async crash(): Promise<void> {
    this.#isDead = true
    await this.idle()
  }

  async idle(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  read(statement: Statement, consistency: 'one' | 'quorum') {
    return this.#pass(() => this.#session.read(statement, consistency))
  }

  readSerial(statement: Statement) {
    return this.#pass(() => this.#session.readSerial(statement))
  }

  write(statement: Statement) {
    return this.#write(() => this.#session.write(statement))
  }

  writeTogether(statements: readonly Statement[]) {
    return this.#write(() => this.#session.writeTogether(statements))
  }

  writeIf(statement: Statement) {
    return this.#write(() => this.#session.writeIf(statement))
  }

  async close(): Promise<void> {
    await this.idle()
  }

  #write<T>(request: () => Promise<T>): Promise<T> {
    if (!Number.isFinite(this.#writesLeft)) return this.#pass(request)
    const before = this.#lastWrite
    const counted = before.then(() => {
      if (this.#writesLeft === 0 && !this.#isDead) {
        this.#isDead = true
        this.#onCrash()
      }
      this.#writesLeft--
      return this.#pass(request)
    })
    this.#lastWrite = counted.catch(() => undefined)
    return counted
  }

  async #pass<T>(request: () => Promise<T>): Promise<T> {
    if (this.#isDead) return never
    const running = request()
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
      if (this.#isDead) await never
    }
  }
}

const never = new Promise<never>(() => undefined)

function marked(journals: JournalStore, mark: string): JournalStore {
  return { open: (actor, request) => journals.open({ ...actor, key: mark + actor.key }, request) }
}

function markedAgenda(agenda: AgendaStore, mark: string): AgendaStore {
  const isOurs = ({ actor }: { actor: { key: string } }) => actor.key.startsWith(mark)
  const bare = <T extends UndeliveredRow | { actor: UndeliveredRow['actor'] }>(row: T): T => ({
    ...row,
    actor: { ...row.actor, key: row.actor.key.slice(mark.length) },
  })
  return {
    sweepUndelivered: (shards, visit) =>
      agenda.sweepUndelivered(shards, async (rows) => {
        const ours = rows.filter(isOurs)
        if (ours.length > 0) await visit(ours.map(bare))
      }),
    removeUndelivered: (actor, epoch) => agenda.removeUndelivered({ ...actor, key: mark + actor.key }, epoch),
    async due(shards, untilMs, limit) {
      const rows = limit > 0 ? await agenda.due(shards, untilMs, Number.MAX_SAFE_INTEGER) : []
      return rows.filter(isOurs).slice(0, limit).map(bare)
    },
    removeDue: (row) => agenda.removeDue({ ...row, actor: { ...row.actor, key: mark + row.actor.key } }),
  }
}
