// Renders one reader for each constructor id, and for each type a table of the ids that may stand where it is declared.

import { fieldName, isGeneric, PRIMITIVES, signed } from './tl-history.mjs'

/** MTProto's types and the API's are apart, also where they share a name. */
const tableKey = (type, mtproto) => (mtproto ? `mt ${type}` : type)

class Tables {
  /** @type {Map<string, string>} */
  #names = new Map()

  /** The name of the table that holds the readers of a type. */
  of(type, mtproto) {
    const key = tableKey(type, mtproto)
    const known = this.#names.get(key)
    if (known) return known
    const name = `T${this.#names.size}`
    this.#names.set(key, name)
    return name
  }

  has(type, mtproto) {
    return this.#names.has(tableKey(type, mtproto))
  }

  get count() {
    return this.#names.size
  }
}

function elementReader(arg, entry, tables, bareReaders) {
  if (PRIMITIVES[arg.type]) return `(r) => r.${PRIMITIVES[arg.type]}()`
  if (arg.type.startsWith('%')) return bareReaders.get(arg.type.slice(1))
  return `(r) => r.of(${tables.of(arg.type, entry.mtproto)})`
}

function valueExpression(arg, entry, tables, bareReaders) {
  if (arg.vector === 'bare') return `r.bareVector(${elementReader(arg, entry, tables, bareReaders)})`
  if (arg.vector && PRIMITIVES[arg.type]) return `r.vector(${elementReader(arg, entry, tables, bareReaders)})`
  if (arg.vector) return `r.vectorOf(${tables.of(arg.type, entry.mtproto)})`
  if (PRIMITIVES[arg.type]) return `r.${PRIMITIVES[arg.type]}()`
  if (isGeneric(arg.type)) return 'r.query()'
  return `r.of(${tables.of(arg.type, entry.mtproto)})`
}

const flagTest = ([field, bit]) => `${field} & ${1 << bit}`

/** Values are read in the order of the wire; the literal has the required ones, so that objects share a shape. */
function readerBody(entry, tables, bareReaders) {
  const value = (arg) => valueExpression(arg, entry, tables, bareReaders)
  const tag = `_: '${entry.name}'`
  if (!entry.args.some((arg) => arg.type === '#')) {
    return `return { ${[tag, ...entry.args.map((arg) => `${fieldName(arg.name)}: ${value(arg)}`)].join(', ')} }`
  }
  const reads = []
  const fields = [tag]
  const optional = []
  for (const [index, arg] of entry.args.entries()) {
    const local = `v${index}`
    const field = fieldName(arg.name)
    if (arg.type === '#') reads.push(`const ${arg.name} = r.int()`)
    else if (arg.type === 'true') optional.push(`if (${flagTest(arg.flag)}) o.${field} = true`)
    else if (arg.flag) {
      reads.push(`const ${local} = ${flagTest(arg.flag)} ? ${value(arg)} : undefined`)
      optional.push(`if (${local} !== undefined) o.${field} = ${local}`)
    } else {
      reads.push(`const ${local} = ${value(arg)}`)
      fields.push(`${field}: ${local}`)
    }
  }
  return [...reads, `const o = { ${fields.join(', ')} }`, ...optional, 'return o'].join('; ')
}

/** @param {import('./tl-history.mjs').History} history */
export function renderReaders({ entries }) {
  const tables = new Tables()
  const bareReaders = new Map(entries.map((entry, index) => [entry.name, `r${index}`]))
  const functions = entries.map((entry, index) => `function r${index}(r) { ${readerBody(entry, tables, bareReaders)} }`)
  const fill = (entry, index) => {
    const id = signed(entry.id)
    const sets = [`objects.set(${id}, r${index})`]
    if (entry.kind === 'method') sets.push(`methods.set(${id}, r${index})`)
    else if (tables.has(entry.type, entry.mtproto))
      sets.push(`${tables.of(entry.type, entry.mtproto)}.set(${id}, r${index})`)
    return sets.join('; ')
  }
  const filled = entries.map(fill)
  const declared = Array.from({ length: tables.count }, (_, index) => `const T${index} = new Map()`)
  return [
    'export const objects = new Map()',
    'export const methods = new Map()',
    ...declared,
    ...functions,
    ...filled,
    '',
  ].join('\n')
}
