import type { Parameter, Row as ResultRow, Statement } from '../../cassandra/session.js'
import {
  type Cell,
  type Content,
  type Mutation,
  type Removal,
  ROW_MARK,
  type Row,
  type Slice,
  valuesOf,
} from './partition.js'
import type { Table } from './schema.js'
import {
  type Assignment,
  type Condition,
  type Delete,
  type Insert,
  type Parsed,
  parse,
  type Term,
  type Update,
} from './statement.js'
import { compareValues, fromValue, toValue, type Value } from './values.js'

const NEVER = Number.NEGATIVE_INFINITY
const ALWAYS = Number.POSITIVE_INFINITY

/** A statement with its parameters, and what it means for one partition of one table. */
export class BoundStatement {
  readonly table: Table
  /** The same for the same partition of the same table. */
  readonly partition: string
  readonly #parsed: Parsed
  readonly #parameters: readonly Parameter[]
  readonly #partitionKey: readonly Value[]

  constructor(tables: ReadonlyMap<string, Table>, { query, parameters }: Statement) {
    this.#parsed = parsedOnce(query)
    // Encoded when it is sent: what the program does with a buffer afterwards changes nothing.
    this.#parameters = parameters
    const table = tables.get(this.#parsed.table)
    if (table === undefined) throw new TypeError(`The simulated Cassandra has no table ${this.#parsed.table}`)
    this.table = table
    this.#partitionKey = table.partitionKey.map((column) => this.#keyValue(column))
    this.partition = JSON.stringify([table.name, ...this.#partitionKey])
  }

  /** The rows of a SELECT, of what one replica or two have. */
  query(): Query {
    const { table } = this
    const select = this.#as('select')
    const limit = select.limit === undefined ? ALWAYS : (this.#value(select.limit, 'int') as number)
    const place = select.orderBy ? table.clusteringKey.indexOf(select.orderBy.column) : -1
    const isBackward = place >= 0 && select.orderBy?.descending !== table.descending[place]
    return new Query(table, this.#partitionKey, select.columns, this.#slice(select.where), limit, isBackward)
  }

  /** `timestamp`: of a write that names none. */
  mutation(nowMs: number, timestamp?: number): Mutation {
    const parsed = this.#parsed
    if (parsed.verb === 'insert') return { rows: [this.#inserted(parsed, nowMs, timestamp)], removals: [] }
    if (parsed.verb === 'update') return { rows: [this.#updated(parsed, timestamp)], removals: [] }
    if (parsed.verb === 'delete') return this.#removed(parsed)
    throw new TypeError('A SELECT writes nothing')
  }

  /** Whether the condition of a conditional write holds for the row that stands there. */
  holds(row: ReadonlyMap<string, Value> | undefined): boolean {
    const parsed = this.#parsed
    if (parsed.verb === 'insert' && parsed.ifNotExists) return row === undefined
    const { condition } = this.#as('update')
    if (condition.length === 0) throw new TypeError('A conditional write has a condition')
    return condition.every((each) => {
      const [column = ''] = each.columns
      const present = row?.get(column)
      return present !== undefined && compareValues(present, this.#conditionValue(each)) === 0
    })
  }

  /** The row that a conditional write is about. */
  wholeRow(): Query {
    const everything: Slice = { includes: () => true, name: '' }
    return new Query(this.table, this.#partitionKey, this.table.columns, everything, 1, false)
  }

  #as<Verb extends Parsed['verb']>(verb: Verb): Extract<Parsed, { verb: Verb }> {
    if (this.#parsed.verb !== verb) throw new TypeError(`A statement is ${this.#parsed.verb}, not ${verb}`)
    return this.#parsed as Extract<Parsed, { verb: Verb }>
  }

  #inserted({ values, timestamp, ttlSeconds }: Insert, nowMs: number, given: number | undefined): Row {
    const at = this.#timestamp(timestamp, given)
    const expiresAtMs = ttlSeconds ? nowMs + 1_000 * (this.#value(ttlSeconds, 'int') as number) : ALWAYS
    const cells = this.#cells(values, at, expiresAtMs)
    cells.set(ROW_MARK, { timestamp: at, value: true, expiresAtMs })
    return { key: this.table.clusteringKey.map((column) => this.#keyValue(column)), cells, removedAt: NEVER }
  }

  #updated({ values }: Update, given: number | undefined): Row {
    return { key: [], cells: this.#cells(values, this.#timestamp(undefined, given), ALWAYS), removedAt: NEVER }
  }

  #cells(values: readonly Assignment[], timestamp: number, expiresAtMs: number): Map<string, Cell> {
    const cells = new Map<string, Cell>()
    for (const [column, term] of values) {
      const isUnset = 'marker' in term && this.#parameters[term.marker] === undefined
      if (isUnset || !this.table.cells.includes(column)) continue
      cells.set(column, { timestamp, value: this.#value(term, this.#typeOf(column)), expiresAtMs })
    }
    return cells
  }

  #removed({ columns, where, timestamp }: Delete): Mutation {
    const at = this.#timestamp(timestamp, undefined)
    const { clusteringKey } = this.table
    const isOneRow = clusteringKey.every((column) => where.some((each) => isEquality(each, column)))
    if (!isOneRow) {
      if (columns.length > 0) throw new TypeError('Columns are removed from one row')
      return { rows: [], removals: [{ slice: this.#slice(where), timestamp: at } satisfies Removal] }
    }
    const key = clusteringKey.map((column) => this.#keyValue(column))
    const tombstone = { timestamp: at, value: undefined, expiresAtMs: ALWAYS }
    const cells = new Map(columns.map((column) => [column, tombstone]))
    return { rows: [{ key, cells, removedAt: columns.length > 0 ? NEVER : at }], removals: [] }
  }

  /** The conditions on the clustering key. */
  #slice(where: readonly Condition[]): Slice {
    const { partitionKey, clusteringKey } = this.table
    const bounds = where
      .filter(({ columns }) => !partitionKey.includes(columns[0] ?? ''))
      .map(({ columns, operator, terms }) => ({
        places: columns.map((column) => clusteringKey.indexOf(column)),
        operator,
        values: terms.map((term, index) => {
          const type = this.#typeOf(columns[index]!)
          if (operator !== 'IN') return this.#value(term, type)
          return (this.#parameter(term) as readonly Parameter[]).map((each) => toValue(each as number, type))
        }),
      }))
    if (bounds.some(({ places }) => places.includes(-1))) throw new TypeError(`No key of ${this.table.name}`)
    const name = JSON.stringify(bounds)
    return { name, includes: (key) => bounds.every((bound) => isWithin(key, bound)) }
  }

  /** What an INSERT or a WHERE says of a column of the key. */
  #keyValue(column: string): Value {
    const parsed = this.#parsed
    const type = this.#typeOf(column)
    if (parsed.verb === 'insert') {
      const [, term] = parsed.values.find(([name]) => name === column) ?? []
      if (term) return this.#value(term, type)
    } else {
      const [term] = parsed.where.find((each) => isEquality(each, column))?.terms ?? []
      if (term) return this.#value(term, type)
    }
    throw new TypeError(`A statement on ${parsed.table} does not name ${column}`)
  }

  #conditionValue({ columns: [column = ''], operator, terms: [term] }: Condition): Value {
    if (operator !== '=' || term === undefined) throw new TypeError(`IF ${column} ${operator} is not simulated`)
    return this.#value(term, this.#typeOf(column))
  }

  #typeOf(column: string): string {
    const type = this.table.typeOf.get(column)
    if (type === undefined) throw new TypeError(`${this.table.name} has no column ${column}`)
    return type
  }

  #timestamp(term: Term | undefined, given: number | undefined): number {
    if (term) return this.#value(term, 'bigint') as number
    if (given === undefined) throw new TypeError(`A write to ${this.table.name} has no timestamp (rule T1)`)
    return given
  }

  #value(term: Term, type: string): Value {
    return 'literal' in term ? term.literal : toValue(this.#parameter(term), type)
  }

  #parameter(term: Term): Exclude<Parameter, undefined> {
    const parameter = 'marker' in term ? this.#parameters[term.marker] : undefined
    if (parameter === undefined || parameter === null) throw new TypeError(`A parameter is missing: ${this.table.name}`)
    return parameter
  }
}

/** A SELECT as it is asked of one partition. */
export class Query {
  readonly table: Table
  readonly slice: Slice
  readonly #partitionKey: readonly Value[]
  readonly #columns: readonly string[]
  readonly #limit: number
  readonly #isBackward: boolean

  constructor(
    table: Table,
    partitionKey: readonly Value[],
    columns: readonly string[],
    slice: Slice,
    limit: number,
    isBackward: boolean,
  ) {
    this.table = table
    this.slice = slice
    this.#partitionKey = partitionKey
    this.#columns = columns
    this.#limit = limit
    this.#isBackward = isBackward
  }

  /** The rows to return, and those that were looked at to find them: only these are repaired. */
  answer(content: Content, nowMs: number): { rows: ResultRow[]; lookedAt: Set<Row> } {
    const rows: ResultRow[] = []
    const lookedAt = new Set<Row>()
    for (const row of this.#isBackward ? [...content.rows].reverse() : content.rows) {
      if (rows.length >= this.#limit) break
      lookedAt.add(row)
      const values = valuesOf(row, content, nowMs)
      if (values) rows.push(this.#result(row, values))
    }
    return { rows, lookedAt }
  }

  #result(row: Row, values: ReadonlyMap<string, Value>): ResultRow {
    const { partitionKey, clusteringKey, typeOf } = this.table
    const result: Record<string, unknown> = {}
    for (const column of this.#columns) {
      const [inPartition, inKey] = [partitionKey.indexOf(column), clusteringKey.indexOf(column)]
      const value = values.get(column) ?? this.#partitionKey[inPartition] ?? row.key[inKey]
      result[column] = fromValue(value, typeOf.get(column) ?? '')
    }
    return result
  }
}

interface Bound {
  readonly places: readonly number[]
  readonly operator: Condition['operator']
  readonly values: readonly (Value | readonly Value[])[]
}

function isWithin(key: readonly Value[], { places, operator, values }: Bound): boolean {
  if (operator === 'IN')
    return (values[0] as readonly Value[]).some((each) => compareValues(each, key[places[0]!]!) === 0)
  let order = 0
  for (let at = 0; at < places.length && order === 0; at++) {
    order = compareValues(key[places[at]!]!, values[at] as Value)
  }
  switch (operator) {
    case '=':
      return order === 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
  }
}

function isEquality({ columns, operator }: Condition, column: string): boolean {
  return operator === '=' && columns.length === 1 && columns[0] === column
}

const known = new Map<string, Parsed>()

/** Texts of statements are few: a driver's own. */
function parsedOnce(query: string): Parsed {
  let parsed = known.get(query)
  if (parsed === undefined) {
    parsed = parse(query)
    known.set(query, parsed)
  }
  return parsed
}
