import {
  type ActorAddress,
  ActorError,
  type Checkpoint,
  type Commit,
  type DerivedRow,
  type DerivedScan,
  errorCode,
  type Journal,
  type JournalEntry,
  type Position,
  type Writer,
} from '../../runtime/index.js'
import { headAfter, isAfter, isSame, overtaken, start } from '../order.js'
import type { KvOperation, OrderedKv } from '../ports/ordered-kv.js'
import { erasures } from './erasures.js'
import {
  afterPositionKey,
  afterRowKey,
  dueKey,
  endOfActorKey,
  type KeyText,
  nameText,
  positionKey,
  type RowGroup,
  rowKey,
  rowOrderOf,
  space,
  startOfActorKey,
  undeliveredKey,
} from './keys.js'
import { decodeCommit, encodeAddress, encodeCommit, encodeSnapshot } from './records.js'

/** What handles share: the disk, and the place where the newest of each actor stands. */
export interface HandleStore {
  readonly kv: OrderedKv
  forget(text: KeyText, journal: EmbeddedJournal): void
}

/** Resident actors have one each, idle ones too: it stays small. */
export class EmbeddedJournal implements Journal {
  readonly #epoch: number
  readonly #attempt: number
  readonly #store: HandleStore
  readonly #actor: ActorAddress
  readonly #text: KeyText
  #pts = start.pts
  #ordinal = start.ordinal
  #isOver = false
  #isCommitting = false
  #inFlight = 0
  /** The newer `open` that waits for what is in flight here. */
  #whenIdle: (() => void) | undefined
  /** Last position of a commit whose outcome is unknown: only its repetition may follow (J4). */
  #doubt: Position | undefined
  #checkpointing: Promise<void> | undefined

  constructor(store: HandleStore, actor: ActorAddress, text: KeyText, writer: Writer) {
    this.#store = store
    this.#actor = actor
    this.#text = text
    this.#epoch = writer.epoch
    this.#attempt = writer.attempt
  }

  get head(): Position {
    return { pts: this.#pts, ordinal: this.#ordinal }
  }

  set head({ pts, ordinal }: Position) {
    this.#pts = pts
    this.#ordinal = ordinal
  }

  get writer(): Writer {
    return { epoch: this.#epoch, attempt: this.#attempt }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  begin(): void {
    this.#inFlight++
  }

  end(): void {
    this.#inFlight--
    if (this.#inFlight > 0) return
    if (this.#isOver) this.#store.forget(this.#text, this)
    this.#whenIdle?.()
  }

  /** Ends the handle; resolves when nothing of it is in flight any more. */
  overtake(): Promise<void> | undefined {
    this.#isOver = true
    if (this.#inFlight === 0) return undefined
    return new Promise((resolve) => {
      this.#whenIdle = resolve
    })
  }

  close(): void {
    this.#isOver = true
    if (this.#inFlight === 0) this.#store.forget(this.#text, this)
  }

  commit({ entries, before }: Commit): Promise<void> {
    let batch: readonly KvOperation[]
    let head: Position
    try {
      this.#checkUsable()
      if (this.#isCommitting) throw misuse(`Two commits at once on ${this.#name}`)
      head = this.#follow(entries)
      batch = this.#commitBatch(entries, head, before)
    } catch (error) {
      return Promise.reject(error)
    }
    this.#isCommitting = true
    this.begin()
    return this.#store.kv.write(batch).then(
      () => {
        this.head = head
        this.#doubt = undefined
        this.#isCommitting = false
        this.end()
        if (this.#isOver) throw overtaken(this.#actor)
      },
      (error) => {
        if (errorCode(error) === 'OUTCOME_UNKNOWN') this.#doubt = head
        this.#isCommitting = false
        this.end()
        throw error
      },
    )
  }

  async read(after: Position, toPts: number, limit: number): Promise<readonly JournalEntry[]> {
    const found: JournalEntry[] = []
    if (limit <= 0 || toPts < after.pts) return found
    const range = { start: afterPositionKey(space.commits, this.#text, after), end: this.#endOfCommits() }
    for (const { value } of this.#store.kv.range(range)) {
      for (const entry of decodeCommit(value).entries) {
        if (entry.pts > toPts) return found
        if (!isAfter(entry, after)) continue
        found.push(entry)
        if (found.length === limit) return found
      }
    }
    return found
  }

  async readAt(pts: readonly number[]): Promise<readonly (JournalEntry | undefined)[]> {
    // Entries that are asked for together mostly stand in one record.
    let record: readonly JournalEntry[] = []
    return pts.map((wanted) => {
      const position: Position = { pts: wanted, ordinal: 0 }
      if (!spans(record, position)) record = this.#recordOf(position)
      return record.find((entry) => isSame(entry, position))
    })
  }

  async checkpoint(checkpoint: Checkpoint): Promise<void> {
    this.#checkUsable()
    if (isAfter(checkpoint.snapshot.position, this.head)) throw misuse(`A snapshot beyond the head of ${this.#name}`)
    this.begin()
    // Erasures read and rewrite records: one checkpoint after the other.
    const previous = this.#checkpointing
    const writing = (async () => {
      await previous?.catch(() => undefined)
      await this.#store.kv.write(this.#checkpointBatch(checkpoint))
    })()
    this.#checkpointing = writing
    try {
      await writing
    } finally {
      if (this.#checkpointing === writing) this.#checkpointing = undefined
      this.end()
    }
    if (this.#isOver) throw overtaken(this.#actor)
  }

  async erase(): Promise<void> {
    this.#checkUsable()
    if (this.#isCommitting) throw misuse(`A commit is in flight while ${this.#name} is erased`)
    this.#isOver = true
    this.begin()
    try {
      await this.#checkpointing?.catch(() => undefined)
      await this.#store.kv.write(this.#allRows())
    } finally {
      this.end()
    }
  }

  async scan({ table, group, from, to, limit, descending }: DerivedScan): Promise<readonly DerivedRow[]> {
    const rows: DerivedRow[] = []
    if (limit <= 0 || to < from) return rows
    const rowGroup = this.#rowGroup(table, group)
    const range = {
      start: rowKey(rowGroup, Math.max(0, from)),
      end: afterRowKey(rowGroup, Math.min(to, Number.MAX_SAFE_INTEGER)),
      limit,
      reverse: descending ?? false,
    }
    for (const { key, value } of this.#store.kv.range(range)) rows.push({ table, group, order: rowOrderOf(key), value })
    return rows
  }

  get(table: string, group: string, order: number): Uint8Array | undefined {
    return this.#store.kv.get(rowKey(this.#rowGroup(table, group), order))
  }

  #rowGroup(table: string, group: string): RowGroup {
    return [this.#text, nameText(table), nameText(group)]
  }

  get #name(): string {
    return `${this.#actor.kind}/${this.#actor.key}`
  }

  #endOfCommits(): Buffer {
    return endOfActorKey(space.commits, this.#text)
  }

  #checkUsable(): void {
    if (this.#isOver) throw overtaken(this.#actor)
  }

  /** The head after these entries; throws when they do not follow the one before (CORE J2). */
  #follow(entries: readonly JournalEntry[]): Position {
    const head = headAfter({ pts: this.#pts, ordinal: this.#ordinal }, entries)
    if (head === undefined) throw misuse(`An entry out of order in a commit to ${this.#name}`)
    if (entries.length === 0) throw misuse(`A commit without entries to ${this.#name}`)
    if (this.#doubt && !isSame(this.#doubt, head)) {
      throw misuse(`Another commit than the one whose outcome is unknown to ${this.#name}`)
    }
    return head
  }

  #commitBatch(entries: readonly JournalEntry[], head: Position, before: Commit['before']): KvOperation[] {
    const actor = this.#actor
    const batch: KvOperation[] = []
    if (before?.undelivered) {
      batch.push({
        key: undeliveredKey(actor.shard, this.#text, this.writer.epoch),
        value: encodeAddress(actor),
      })
    }
    for (const { name, dueAtMs } of before?.due ?? []) {
      batch.push({ key: dueKey(dueAtMs, actor.shard, this.#text, name), value: encodeAddress(actor, name) })
    }
    batch.push({
      key: positionKey(space.commits, this.#text, head),
      value: encodeCommit({ writer: this.writer, after: this.head, entries }),
    })
    return batch
  }

  #checkpointBatch({ snapshot, rows, erased }: Checkpoint): KvOperation[] {
    const batch: KvOperation[] = []
    let last: DerivedRow | undefined
    let rowGroup = this.#rowGroup('', '')
    for (const row of rows) {
      if (row.table !== last?.table || row.group !== last.group) rowGroup = this.#rowGroup(row.table, row.group)
      last = row
      batch.push({ key: rowKey(rowGroup, row.order), value: row.value })
    }
    batch.push(...erasures(this.#store.kv, this.#text, erased))
    batch.push(...this.#staleSnapshots(snapshot.position))
    batch.push({ key: positionKey(space.snapshots, this.#text, snapshot.position), value: encodeSnapshot(snapshot) })
    return batch
  }

  #allRows(): KvOperation[] {
    const batch: KvOperation[] = []
    for (const of of [space.commits, space.snapshots, space.rows]) {
      const range = { start: startOfActorKey(of, this.#text), end: endOfActorKey(of, this.#text) }
      for (const { key } of this.#store.kv.range(range)) batch.push({ key, value: undefined })
    }
    return batch
  }

  /** Removes all snapshots but the newest before this one (S7). */
  #staleSnapshots(position: Position): KvOperation[] {
    const range = {
      start: positionKey(space.snapshots, this.#text, start),
      end: positionKey(space.snapshots, this.#text, position),
    }
    const stale: KvOperation[] = []
    let isNewest = true
    for (const { key } of this.#store.kv.range({ ...range, reverse: true })) {
      if (!isNewest) stale.push({ key, value: undefined })
      isNewest = false
    }
    return stale
  }

  /** The entries of the commit that holds the position, if one does. */
  #recordOf(position: Position): readonly JournalEntry[] {
    const key = positionKey(space.commits, this.#text, position)
    const exact = this.#store.kv.get(key)
    if (exact) return decodeCommit(exact).entries
    for (const { value } of this.#store.kv.range({ start: key, end: this.#endOfCommits(), limit: 1 })) {
      return decodeCommit(value).entries
    }
    return []
  }
}

function spans(record: readonly JournalEntry[], position: Position): boolean {
  const [first] = record
  const last = record.at(-1)
  return first !== undefined && last !== undefined && !isAfter(first, position) && !isAfter(position, last)
}

function misuse(message: string): ActorError {
  return new ActorError('INTERNAL', message)
}
