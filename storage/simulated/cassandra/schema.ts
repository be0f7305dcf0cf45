import { migrations } from '../../cassandra/migrations/index.js'

/** A table as `CREATE TABLE` describes it. */
export interface Table {
  readonly name: string
  /** All columns, in their order. */
  readonly columns: readonly string[]
  readonly typeOf: ReadonlyMap<string, string>
  readonly partitionKey: readonly string[]
  readonly clusteringKey: readonly string[]
  /** Of the clustering key, in its order: whether the rows stand from the highest value to the lowest. */
  readonly descending: readonly boolean[]
  /** The other columns. */
  readonly cells: readonly string[]
}

/** The driver's own tables, as its migrations make them. */
export function driversTables(): ReadonlyMap<string, Table> {
  const tables = migrations.flatMap(({ statements }) => statements).map(tableFrom)
  return new Map(tables.map((table) => [table.name, table]))
}

function tableFrom(statement: string): Table {
  const [, name, rest = ''] = /^CREATE TABLE IF NOT EXISTS (\w+) \(([\s\S]*)$/.exec(statement) ?? []
  if (name === undefined) throw new TypeError(`No table is made by ${statement}`)
  const typeOf = new Map<string, string>()
  let partitionKey: string[] = []
  let clusteringKey: string[] = []
  for (const part of partsOf(rest)) {
    const [, keys] = /^PRIMARY KEY \(([\s\S]*)\)$/.exec(part) ?? []
    if (keys !== undefined) {
      const [first = '', ...others] = partsOf(`${keys})`)
      partitionKey = first.startsWith('(') ? partsOf(first.slice(1)) : [first]
      clusteringKey = others
      continue
    }
    const [, column = '', type = '', isKey] = /^(\w+) (.+?)( PRIMARY KEY)?$/.exec(part) ?? []
    typeOf.set(column, type)
    if (isKey) partitionKey = [column]
  }
  const [, order = ''] = /CLUSTERING ORDER BY \(([^)]*)\)/.exec(statement) ?? []
  const isKey = new Set([...partitionKey, ...clusteringKey])
  const columns = [...typeOf.keys()]
  return {
    name,
    columns,
    typeOf,
    partitionKey,
    clusteringKey,
    descending: clusteringKey.map((column) => order.includes(`${column} DESC`)),
    cells: columns.filter((column) => !isKey.has(column)),
  }
}

/** What stands between commas, up to the parenthesis that closes. */
function partsOf(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!
    if ('(<'.includes(letter)) depth++
    const isEnd = depth === 0 && (letter === ',' || letter === ')')
    if (isEnd) {
      parts.push(text.slice(from, at).trim())
      from = at + 1
      if (letter === ')') return parts
    } else if (')>'.includes(letter)) depth--
  }
  return parts
}
