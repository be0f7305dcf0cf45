// The TL language as text: the one reader and writer that the two schema scripts share.

/**
 * @typedef {{ name: string, type: string, flag?: [field: string, bit: number], vector?: 'boxed' | 'bare' }} Argument
 *   `type` is the element's type when `vector` is set. `#` marks a flags word, `true` a flag without a value.
 * @typedef {{ name: string, id: number, kind: 'class' | 'method', args: Argument[], type: string, vectorResult: boolean }} Entry
 *   `id` is unsigned.
 */

const LINE = /^([\w.]+)#([0-9a-f]{1,8})\s*(.*?)\s*=\s*([^;]+);/
const FLAG = /^(\w+)\.(\d+)\?(.+)$/
const VECTOR = /^([Vv])ector<(.+)>$/

/** Built into every TL runtime, and no constructors of their own. */
const BUILT_IN = new Set(['vector', 'boolTrue', 'boolFalse', 'true', 'null'])

/** @returns {Argument} */
function parseArgument(name, text) {
  const flag = FLAG.exec(text)
  const rest = flag ? flag[3] : text
  const vector = VECTOR.exec(rest)
  return {
    name,
    type: vector ? vector[2] : rest,
    ...(flag ? { flag: [flag[1], Number(flag[2])] } : {}),
    ...(vector ? { vector: vector[1] === 'V' ? 'boxed' : 'bare' } : {}),
  }
}

/** @returns {Entry | undefined} undefined for a line that declares no constructor of ours */
export function parseLine(line, kind) {
  const match = LINE.exec(line)
  if (!match || BUILT_IN.has(match[1])) return undefined
  const [, name, id, rest, result] = match
  const args = []
  for (const token of rest.split(/\s+/)) {
    const colon = token.indexOf(':')
    if (colon <= 0 || token.startsWith('{')) continue
    args.push(parseArgument(token.slice(0, colon), token.slice(colon + 1)))
  }
  const vector = VECTOR.exec(result.trim())
  return {
    name,
    id: Number.parseInt(id, 16),
    kind,
    args,
    type: vector ? vector[2] : result.trim(),
    vectorResult: vector !== null,
  }
}

/**
 * Calls `visit(entry, line)` for each declaration of a TL text, in its order.
 *
 * @param {(entry: Entry, line: string) => void} visit
 */
export function eachDeclaration(text, visit) {
  let kind = 'class'
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '---functions---') kind = 'method'
    else if (line === '---types---') kind = 'class'
    else if (line !== '' && !line.startsWith('//')) {
      const entry = parseLine(line, kind)
      if (entry) visit(entry, line)
    }
  }
}

/** @param {Argument} arg */
export function printArgument(arg) {
  const flag = arg.flag ? `${arg.flag[0]}.${arg.flag[1]}?` : ''
  const type = arg.vector ? `${arg.vector === 'boxed' ? 'Vector' : 'vector'}<${arg.type}>` : arg.type
  return `${arg.name}:${flag}${type}`
}

/** @param {Entry} entry */
export function printEntry(entry) {
  const id = entry.id.toString(16).padStart(8, '0')
  const type = entry.vectorResult ? `Vector<${entry.type}>` : entry.type
  return `${[`${entry.name}#${id}`, ...entry.args.map(printArgument)].join(' ')} = ${type};`
}
