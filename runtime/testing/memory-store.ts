/**
 * A journal and agenda store in memory, for the runtime's own unit tests: it keeps promises S1-S7 and S9 of journal-store.ts
 * at the granularity of whole operations, says when a caller has vouched for what is not so, and fails as a test asks. What
 * is proven on it holds of the runtime only; the real drivers have their own suite.
 */
import { ActorError } from '../errors.js'
import type {
  ActorAddress,
  AgendaStore,
  Checkpoint,
  Commit,
  DerivedRow,
  DerivedScan,
  DueRow,
  Journal,
  JournalEntry,
  JournalStore,
  OpenedJournal,
  OpenRequest,
  Position,
  ShardRange,
  Snapshot,
  UndeliveredRow,
  Writer,
} from '../journal-store.js'
import { comparePositions, follows } from '../position.js'

/** What a test makes of an operation. The `unknown-*` kinds reject with OUTCOME_UNKNOWN, having stored it or not. */
export type Fate = 'ok' | 'unavailable' | 'may-land' | 'unknown-stored' | 'unknown-lost' | 'overtaken'

export interface MemoryJournal {
  readonly entries: JournalEntry[]
  readonly rows: Map<string, DerivedRow>
  writer: Writer | undefined
  holder: object | undefined
  snapshot: Snapshot | undefined
}

const name = ({ kind, key }: ActorAddress) => `${kind}/${key}`
const copy = (bytes: Uint8Array) => new Uint8Array(bytes)

export class MemoryStore implements JournalStore, AgendaStore {
  readonly journals = new Map<string, MemoryJournal>()
  readonly undelivered = new Map<string, UndeliveredRow>()
  readonly dueRows = new Map<string, DueRow>()
  readonly opens: OpenRequest[] = []
  commits: Commit[] = []
  checkpoints = 0
  /** Opens that read nothing. */
  handed = 0
  /** False: as a driver whose handles say nothing at their end. */
  handsOver = true
  openHandles = 0
  /** Decides each operation's fate, and may take its time. */
  fate: (
    operation: 'open' | 'commit' | 'checkpoint' | 'erase' | 'remove',
    actor: ActorAddress,
  ) => Fate | Promise<Fate> = () => 'ok'

  journal(actor: string): MemoryJournal {
    let found = this.journals.get(actor)
    if (found === undefined) {
      found = { entries: [], rows: new Map(), writer: undefined, holder: undefined, snapshot: undefined }
      this.journals.set(actor, found)
    }
    return found
  }

  async open(actor: ActorAddress, request: OpenRequest): Promise<OpenedJournal> {
    this.opens.push(request)
    await this.#meet('open', actor)
    const journal = this.journal(name(actor))
    const { writer: last } = journal
    const isOlder =
      last !== undefined &&
      (request.epoch < last.epoch || (request.epoch === last.epoch && request.attempt <= last.attempt))
    if (isOlder) throw new ActorError('OVERTAKEN', 'a newer writer is known')
    const keeps = request.mayKeepWriter && last?.epoch === request.epoch
    const writer = keeps ? last : { epoch: request.epoch, attempt: request.attempt }
    const holder = {}
    journal.writer = writer
    journal.holder = holder
    this.openHandles++
    const { snapshot } = journal
    const after = snapshot?.position ?? { pts: 0, ordinal: 0 }
    const tail = journal.entries.filter((entry) => comparePositions(entry, after) > 0)
    const handle = new MemoryHandle(this, actor, journal, holder)
    if (request.handed !== undefined) {
      const told = String(Buffer.from(request.handed))
      if (told !== standingOf(journal, last)) throw new Error(`${name(actor)} does not stand at ${told} (S9)`)
      this.handed++
      return { journal: handle, writer, tail: [], isHanded: true }
    }
    return { journal: handle, writer, tail, ...(snapshot === undefined ? {} : { snapshot }) }
  }

  async sweepUndelivered(shards: ShardRange, visit: (rows: readonly UndeliveredRow[]) => Promise<void>): Promise<void> {
    await visit([...this.undelivered.values()].filter(({ actor }) => isIn(shards, actor)))
  }

  async removeUndelivered(actor: ActorAddress, epoch: number): Promise<void> {
    await this.#meet('remove', actor)
    for (const [key, row] of this.undelivered) {
      if (name(row.actor) === name(actor) && row.epoch <= epoch) this.undelivered.delete(key)
    }
  }

  async due(shards: ShardRange, untilMs: number, limit: number): Promise<readonly DueRow[]> {
    const rows = [...this.dueRows.values()].filter(({ actor, dueAtMs }) => isIn(shards, actor) && dueAtMs <= untilMs)
    return rows.sort((a, b) => a.dueAtMs - b.dueAtMs).slice(0, limit)
  }

  async removeDue({ actor, name: reminder, dueAtMs }: DueRow): Promise<void> {
    await this.#meet('remove', actor)
    this.dueRows.delete(`${name(actor)}/${reminder}/${dueAtMs}`)
  }

  /** What a commit of this handle's does, whatever its caller is told. */
  async commit(actor: ActorAddress, journal: MemoryJournal, holder: object, commit: Commit): Promise<void> {
    const fate = await this.fate('commit', actor)
    if (journal.holder !== holder || fate === 'overtaken') throw new ActorError('OVERTAKEN', 'a newer writer is known')
    if (fate === 'unavailable') throw unavailable()
    if (fate === 'may-land')
      throw new ActorError('STORE_UNAVAILABLE', 'no answer', { retryAfterMs: 100, mayLand: true })
    if (fate !== 'unknown-lost') this.#store(actor, journal, commit)
    if (fate !== 'ok') throw new ActorError('OUTCOME_UNKNOWN', 'no answer')
  }

  #store(actor: ActorAddress, journal: MemoryJournal, commit: Commit): void {
    const epoch = journal.writer?.epoch ?? 0
    if (commit.before?.undelivered) this.undelivered.set(`${name(actor)}/${epoch}`, { actor, epoch })
    for (const { name: reminder, dueAtMs } of commit.before?.due ?? []) {
      this.dueRows.set(`${name(actor)}/${reminder}/${dueAtMs}`, { actor, name: reminder, dueAtMs })
    }
    const first = commit.entries[0] as JournalEntry
    // A repeat of what is stored already (J4).
    if (journal.entries.some((entry) => comparePositions(entry, first) === 0)) return
    for (const entry of commit.entries) {
      const head = journal.entries.at(-1) ?? { pts: 0, ordinal: 0 }
      if (!follows(entry, head))
        throw new ActorError('CORRUPT', `${name(actor)}: a commit leaves a hole at ${entry.pts}`)
      const { body } = entry
      journal.entries.push({ ...entry, fact: copy(entry.fact), ...(body === undefined ? {} : { body: copy(body) }) })
    }
    this.commits.push(commit)
  }

  async checkpoint(actor: ActorAddress, journal: MemoryJournal, holder: object, checkpoint: Checkpoint): Promise<void> {
    await this.#meet('checkpoint', actor)
    if (journal.holder !== holder) throw new ActorError('OVERTAKEN', 'a newer writer is known')
    this.checkpoints++
    for (const row of checkpoint.rows) {
      const key = `${row.table}\0${row.group}\0${row.order}`
      if (row.value === undefined) journal.rows.delete(key)
      else journal.rows.set(key, { ...row, value: copy(row.value) })
    }
    for (const pts of checkpoint.erased) {
      const index = journal.entries.findIndex((entry) => entry.pts === pts && entry.ordinal === 0)
      const entry = journal.entries[index]
      if (entry === undefined) continue
      const { body: _, ...rest } = entry
      journal.entries[index] = rest
    }
    journal.snapshot = { ...checkpoint.snapshot, state: copy(checkpoint.snapshot.state) }
  }

  async erase(actor: ActorAddress, journal: MemoryJournal, holder: object): Promise<void> {
    await this.#meet('erase', actor)
    if (journal.holder !== holder) throw new ActorError('OVERTAKEN', 'a newer writer is known')
    this.journals.delete(name(actor))
  }

  async #meet(operation: 'open' | 'checkpoint' | 'erase' | 'remove', actor: ActorAddress): Promise<void> {
    const fate = await this.fate(operation, actor)
    if (fate === 'unavailable') throw unavailable()
    if (fate === 'overtaken') throw new ActorError('OVERTAKEN', 'a newer writer is known')
    if (fate !== 'ok') throw new ActorError('OUTCOME_UNKNOWN', 'no answer')
  }
}

class MemoryHandle implements Journal {
  readonly #store: MemoryStore
  readonly #actor: ActorAddress
  readonly #journal: MemoryJournal
  readonly #holder: object
  #isCommitting = false
  #isClosed = false

  constructor(store: MemoryStore, actor: ActorAddress, journal: MemoryJournal, holder: object) {
    this.#store = store
    this.#actor = actor
    this.#journal = journal
    this.#holder = holder
  }

  async commit(commit: Commit): Promise<void> {
    this.#mustBeOpen()
    if (this.#isCommitting) throw new Error('two commits are in flight (J4)')
    if (commit.entries.length === 0) throw new Error('a commit has no entries')
    this.#isCommitting = true
    try {
      await this.#store.commit(this.#actor, this.#journal, this.#holder, commit)
    } finally {
      this.#isCommitting = false
    }
  }

  async read(after: Position, toPts: number, limit: number): Promise<readonly JournalEntry[]> {
    this.#mustBeOpen()
    await Promise.resolve()
    return this.#journal.entries
      .filter((entry) => comparePositions(entry, after) > 0 && entry.pts <= toPts)
      .slice(0, limit)
  }

  async readAt(pts: readonly number[]): Promise<readonly (JournalEntry | undefined)[]> {
    this.#mustBeOpen()
    await Promise.resolve()
    return pts.map((each) => this.#journal.entries.find((entry) => entry.pts === each && entry.ordinal === 0))
  }

  checkpoint(checkpoint: Checkpoint): Promise<void> {
    this.#mustBeOpen()
    return this.#store.checkpoint(this.#actor, this.#journal, this.#holder, checkpoint)
  }

  erase(): Promise<void> {
    this.#mustBeOpen()
    if (this.#isCommitting) throw new Error('erased with a commit in flight')
    return this.#store.erase(this.#actor, this.#journal, this.#holder)
  }

  async scan({ table, group, from, to, limit, descending }: DerivedScan): Promise<readonly DerivedRow[]> {
    this.#mustBeOpen()
    await Promise.resolve()
    const rows = [...this.#journal.rows.values()].filter(
      (row) => row.table === table && row.group === group && row.order >= from && row.order <= to,
    )
    rows.sort((a, b) => (descending ? b.order - a.order : a.order - b.order))
    return rows.slice(0, limit)
  }

  async get(table: string, group: string, order: number): Promise<Uint8Array | undefined> {
    this.#mustBeOpen()
    return this.#journal.rows.get(`${table}\0${group}\0${order}`)?.value
  }

  handOver(): Uint8Array | undefined {
    this.#mustBeOpen()
    if (!this.#store.handsOver) return undefined
    return new Uint8Array(Buffer.from(standingOf(this.#journal, this.#journal.writer)))
  }

  close(): void {
    this.#mustBeOpen()
    if (this.#isCommitting) throw new Error('closed with a commit in flight')
    this.#isClosed = true
    this.#store.openHandles--
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new Error('the handle is closed')
  }
}

function standingOf({ entries }: MemoryJournal, writer: Writer | undefined): string {
  const { pts, ordinal } = entries.at(-1) ?? { pts: 0, ordinal: 0 }
  return `${pts}.${ordinal} of ${writer?.epoch}.${writer?.attempt}`
}

function unavailable(): ActorError {
  return new ActorError('STORE_UNAVAILABLE', 'the disk is full', { retryAfterMs: 100 })
}

function isIn(shards: ShardRange, { shard }: ActorAddress): boolean {
  return shard >= shards.from && shard <= shards.to
}
