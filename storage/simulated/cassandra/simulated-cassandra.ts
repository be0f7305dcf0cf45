import { ActorError, type Clock, type Random } from '../../../runtime/index.js'
import type { ReadConsistency, Row, Statement } from '../../cassandra/session.js'
import { BoundStatement } from './bound-statement.js'
import { type Decision, Decisions } from './decisions.js'
import { calm, Fortune, type RingLuck } from './luck.js'
import { type Content, type Mutation, merged, missing } from './partition.js'
import { Replica } from './replica.js'
import { driversTables } from './schema.js'

const REPLICAS = 3
const QUORUM = 2
/** A replica that went away is still sent to for so long: nobody knows yet. */
const NOTICED_AFTER_MS = 500

/** A replica that was sent a write. */
interface Heard {
  readonly replica: Replica
  readonly arrivesMs: number
  readonly stops: number
}

/** How a request ends for who asked: later, or never. */
export interface Asking<T> {
  answer(value: T): void
  /** It was certainly not begun. */
  refuse(error: ActorError): void
}

/**
 * A ring of three Cassandra nodes in memory, with every table of the driver, whose time and luck are injected: the same
 * clock and random give the same run.
 *
 * K1. A write goes to each replica by itself, and is acknowledged once two of them have it. A batch is one mutation: a
 *     replica has all of it or nothing. Nothing ties two partitions together.
 * K2. A replica that did not hear of a write hears of it by a hint, seconds later or never, or when a read at quorum finds
 *     that it differs: that one repairs the rows that it looked at, and no others, before it answers (unless `repairs` is off).
 * K3. A read at `one` is what any one replica has. A read at quorum is what two of them have, each at a moment of its own.
 * K4. Conditional writes are decided once for all (`Decisions`). As in Cassandra they need a quorum.
 * K5. With fewer than two replicas up, what needs a quorum is refused; while that is not known yet, it is not answered.
 */
export class SimulatedCassandra {
  readonly clock: Clock
  readonly #fortune: Fortune
  readonly #replicas = Array.from({ length: REPLICAS }, () => new Replica())
  readonly #decisions: Decisions
  readonly #tables = driversTables()
  writes = 0
  reads = 0

  constructor({ clock, random, luck = calm }: { clock: Clock; random: Random; luck?: RingLuck }) {
    this.clock = clock
    this.#fortune = new Fortune(random, luck)
    this.#decisions = new Decisions(this.#fortune, (statement, mutation) => this.#tell(statement, mutation))
  }

  get luck(): RingLuck {
    return this.#fortune.luck
  }

  set luck(luck: RingLuck) {
    this.#fortune.luck = luck
  }

  /** A replica goes away, with what it has. */
  stop(replica: number): void {
    const stopping = this.#replicas[replica]
    if (stopping?.isUp) stopping.stop(this.#nowMs, () => this.#hintMs())
  }

  start(replica: number): void {
    const starting = this.#replicas[replica]
    if (starting && !starting.isUp) starting.start(this.#nowMs, () => this.#fortune.within(...this.luck.hintAfterMs))
  }

  get replicasUp(): number {
    return this.#replicas.filter(({ isUp }) => isUp).length
  }

  bind(statement: Statement): BoundStatement {
    return new BoundStatement(this.#tables, statement)
  }

  /** What one replica has, for tests. */
  look(replica: number, statement: Statement): readonly Row[] {
    const bound = this.bind(statement)
    const query = bound.query()
    const content = this.#replicas[replica]!.read(bound.table, bound.partition, query.slice, this.#nowMs)
    return query.answer(content, this.clock.now()).rows
  }

  /** All of one partition, as one mutation. */
  write(statements: readonly BoundStatement[], asking: Asking<void>): void {
    this.writes++
    const [first] = statements
    if (first === undefined) throw new TypeError('A batch has a statement')
    if (statements.some(({ partition }) => partition !== first.partition)) {
      throw new TypeError(`A batch over two partitions: ${statements.map(({ partition }) => partition)}`)
    }
    if (this.#known() < QUORUM) {
      asking.refuse(unavailable('fewer than two replicas are up'))
      return
    }
    const parts = statements.map((statement) => statement.mutation(this.clock.now()))
    const mutation = {
      rows: parts.flatMap(({ rows }) => rows),
      removals: parts.flatMap(({ removals }) => removals),
    }
    this.#send(first, mutation, asking)
  }

  read(statement: BoundStatement, consistency: ReadConsistency, asking: Asking<readonly Row[]>): void {
    this.reads++
    const needed = consistency === 'one' ? 1 : QUORUM
    if (this.#known() < needed) {
      asking.refuse(unavailable('too few replicas are up'))
      return
    }
    if (this.#fortune.strikes(this.luck.failedRead)) return
    this.#after(this.#fortune.hopMs(), () => {
      const up = this.#replicas.filter(({ isUp }) => isUp)
      if (up.length < needed) return
      const [one] = up.splice(up.indexOf(this.#fortune.pick(up)), 1)
      const content = this.#readAt(one!, statement)
      if (needed === 1) this.#answer(statement, content, asking)
      else this.#readSecond(statement, one!, content, this.#fortune.pick(up), asking)
    })
  }

  /** Conditional writes. */
  decide(statement: BoundStatement, asking: Asking<Decision>): void {
    this.writes++
    if (this.#known() < QUORUM) {
      asking.refuse(unavailable('fewer than two replicas are up'))
      return
    }
    const { undecided, unanswered, late, lateMs } = this.luck
    const isLate = this.#fortune.strikes(late)
    const arrivesMs = isLate ? this.#fortune.within(0, lateMs) : this.#fortune.hopMs()
    this.#after(arrivesMs, () => {
      if (this.replicasUp < QUORUM) return
      if (this.#fortune.strikes(undecided)) {
        const decideLater = this.#decisions.leave(statement, this.clock.now())
        if (this.#fortune.strikes(500)) {
          this.#after(this.#fortune.within(1, 3_000), () => decideLater(this.clock.now()))
        }
        return
      }
      const decision = this.#decisions.decide(statement, this.clock.now())
      if (!isLate && !this.#fortune.strikes(unanswered))
        this.#after(decision.toldAfterMs + this.#fortune.hopMs(), () => asking.answer(decision))
    })
  }

  /** What was decided goes to each replica as a write does, but none of it is lost to those that are up. */
  #tell({ table, partition }: BoundStatement, mutation: Mutation): number {
    const heard: number[] = []
    for (const replica of this.#replicas) {
      const arrivesMs = replica.isUp ? this.#nowMs + this.#fortune.hopMs() : this.#hintMs()
      if (arrivesMs === undefined) continue
      replica.send(table, partition, mutation, arrivesMs)
      if (replica.isUp) heard.push(arrivesMs)
    }
    return (heard.sort((a, b) => a - b)[QUORUM - 1] ?? this.#nowMs) - this.#nowMs
  }

  readSerial(statement: BoundStatement, asking: Asking<readonly Row[]>): void {
    this.reads++
    if (this.#known() < QUORUM) {
      asking.refuse(unavailable('fewer than two replicas are up'))
      return
    }
    if (this.#fortune.strikes(this.luck.failedRead)) return
    this.#after(this.#fortune.hopMs(), () => {
      if (this.replicasUp < QUORUM) return
      const rows = this.#decisions.read(statement, this.clock.now())
      this.#after(this.#fortune.hopMs(), () => asking.answer(rows))
    })
  }

  #send({ table, partition }: BoundStatement, mutation: Mutation, asking: Asking<void>): void {
    const { luck } = this
    const fortune = this.#fortune
    const [isLate, isTorn] = [fortune.strikes(luck.late), fortune.strikes(luck.torn)]
    const leavesMs = this.#nowMs + (isLate ? luck.requestTimeoutMs + fortune.within(0, luck.lateMs) : 0)
    const misses = fortune.strikes(luck.missed) ? fortune.pick(this.#replicas) : undefined
    const heard: Heard[] = []
    for (const replica of this.#replicas) {
      const hears = isTorn ? fortune.strikes(500) : replica.isUp && replica !== misses
      const arrivesMs = hears ? leavesMs + fortune.hopMs() : isTorn ? undefined : this.#hintMs()
      if (arrivesMs === undefined) continue
      replica.send(table, partition, mutation, arrivesMs)
      if (hears && replica.isUp) heard.push({ replica, arrivesMs, stops: replica.stops })
    }
    if (isLate || isTorn || fortune.strikes(luck.unanswered)) return
    heard.sort((a, b) => a.arrivesMs - b.arrivesMs)
    for (let enough = QUORUM; enough <= heard.length; enough++) this.#acknowledge(heard.slice(0, enough), asking)
  }

  /** Answers once the last of these has it, if by then two of them do. */
  #acknowledge(heard: readonly Heard[], asking: Asking<void>): void {
    const lastMs = heard.at(-1)!.arrivesMs
    this.#after(lastMs - this.#nowMs, () => {
      const have = heard.filter(({ replica, arrivesMs, stops }) => replica.kept(arrivesMs, stops))
      if (have.length === QUORUM) this.#after(this.#fortune.hopMs(), () => asking.answer())
    })
  }

  #readSecond(
    statement: BoundStatement,
    one: Replica,
    first: Content,
    other: Replica,
    asking: Asking<readonly Row[]>,
  ): void {
    const apartMs = this.#fortune.strikes(500) ? 0 : this.#fortune.hopMs()
    this.#after(apartMs, () => {
      if (!one.isUp || !other.isUp) return
      const second = this.#readAt(other, statement)
      const all = merged(statement.table, first, second)
      const { rows, lookedAt } = statement.query().answer(all, this.clock.now())
      const repairs = [
        [one, missing(first, all, lookedAt)],
        [other, missing(second, all, lookedAt)],
      ] as const
      let repairedMs = this.#nowMs
      for (const [replica, mutation] of repairs) {
        if (mutation === undefined || !this.luck.repairs) continue
        const arrivesMs = this.#nowMs + this.#fortune.hopMs()
        replica.send(statement.table, statement.partition, mutation, arrivesMs)
        repairedMs = Math.max(repairedMs, arrivesMs)
      }
      this.#after(repairedMs - this.#nowMs + this.#fortune.hopMs(), () => asking.answer(rows))
    })
  }

  #readAt(replica: Replica, statement: BoundStatement): Content {
    return replica.read(statement.table, statement.partition, statement.query().slice, this.#nowMs)
  }

  #answer(statement: BoundStatement, content: Content, asking: Asking<readonly Row[]>): void {
    const { rows } = statement.query().answer(content, this.clock.now())
    this.#after(this.#fortune.strikes(500) ? 0 : this.#fortune.hopMs(), () => asking.answer(rows))
  }

  get #nowMs(): number {
    return this.clock.monotonic()
  }

  /** Replicas that a coordinator believes to be up. */
  #known(): number {
    const noticedMs = this.#nowMs - NOTICED_AFTER_MS
    return this.#replicas.filter(({ isUp, sinceMs }) => isUp || sinceMs > noticedMs).length
  }

  /** When a hint lands; undefined: never. */
  #hintMs(): number | undefined {
    if (this.#fortune.strikes(this.luck.lostHint)) return undefined
    return this.#nowMs + this.#fortune.within(...this.luck.hintAfterMs)
  }

  #after(delayMs: number, run: () => void): void {
    if (delayMs <= 0) run()
    else this.clock.setTimer(delayMs, run)
  }
}

function unavailable(why: string): ActorError {
  return new ActorError('STORE_UNAVAILABLE', `Cassandra does not answer: ${why}`, { retryAfterMs: 1_000 })
}
