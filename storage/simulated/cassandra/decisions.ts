import type { Row as ResultRow } from '../../cassandra/session.js'
import type { BoundStatement } from './bound-statement.js'
import type { Fortune } from './luck.js'
import { type Content, type Mutation, Partition, valuesOf } from './partition.js'

export interface Decision {
  readonly applied: boolean
  readonly row: ResultRow | undefined
  /** Until a quorum of replicas has been told of it; nothing when it changed nothing. */
  readonly toldAfterMs: number
}

/** Tells the replicas what was decided. Returns after how many milliseconds a quorum has it. */
export type Tell = (statement: BoundStatement, mutation: Mutation) => number

/**
 * What conditional writes have decided: the same for everybody, at SERIAL.
 *
 * D1. A write is decided at one moment, on what was decided before it.
 * D2. One that was left undecided is decided or dropped by the next decision or serial read of its partition, whichever
 *     it finds; or by itself, if nothing else came meanwhile. It never changes anything after that.
 * D3. Replicas are told of what was decided afterwards, each by itself: a read at quorum may be behind a decision, and is
 *     not behind one that was acknowledged.
 */
export class Decisions {
  readonly #fortune: Fortune
  readonly #tell: Tell
  readonly #partitions = new Map<string, Partition>()
  readonly #undecided = new Map<string, BoundStatement>()
  #timestamp = 0

  constructor(fortune: Fortune, tell: Tell) {
    this.#fortune = fortune
    this.#tell = tell
  }

  decide(statement: BoundStatement, nowMs: number): Decision {
    this.#settle(statement.partition, nowMs)
    return this.#decide(statement, nowMs)
  }

  /** Leaves it to the next. Returns a way to decide it later, as long as it is undecided. */
  leave(statement: BoundStatement, nowMs: number): (laterMs: number) => void {
    const { partition } = statement
    this.#settle(partition, nowMs)
    this.#undecided.set(partition, statement)
    return (laterMs) => {
      if (this.#undecided.get(partition) !== statement) return
      this.#undecided.delete(partition)
      this.#decide(statement, laterMs)
    }
  }

  read(statement: BoundStatement, nowMs: number): ResultRow[] {
    this.#settle(statement.partition, nowMs)
    const query = statement.query()
    return query.answer(this.#partition(statement).read(query.slice), nowMs).rows
  }

  #settle(partition: string, nowMs: number): void {
    const statement = this.#undecided.get(partition)
    if (statement === undefined) return
    this.#undecided.delete(partition)
    if (this.#fortune.strikes(500)) this.#decide(statement, nowMs)
  }

  #decide(statement: BoundStatement, nowMs: number): Decision {
    const partition = this.#partition(statement)
    const whole = statement.wholeRow()
    const content: Content = partition.read(whole.slice)
    const [row] = content.rows
    const values = row && valuesOf(row, content, nowMs)
    if (!statement.holds(values)) {
      return { applied: false, row: whole.answer(content, nowMs).rows[0], toldAfterMs: 0 }
    }
    const mutation = statement.mutation(nowMs, ++this.#timestamp)
    partition.apply(mutation)
    return { applied: true, row: undefined, toldAfterMs: this.#tell(statement, mutation) }
  }

  #partition({ table, partition: name }: BoundStatement): Partition {
    let partition = this.#partitions.get(name)
    if (partition === undefined) {
      partition = new Partition(table)
      this.#partitions.set(name, partition)
    }
    return partition
  }
}
