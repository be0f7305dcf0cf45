// Renders one writer for each constructor id, and the tables that make layers of them.

import { DERIVED_FIELDS, FIELD_CONVERSIONS, NEUTRAL_VALUES, RESULT_CONVERSIONS, STAND_INS } from './tl-adaptation.mjs'
import { fieldName, isGeneric, PRIMITIVES, signed, typeText } from './tl-history.mjs'

function elementWriter(type, bareWriters) {
  if (PRIMITIVES[type]) return `(w, v) => w.${PRIMITIVES[type]}(v)`
  if (type.startsWith('%')) return bareWriters.get(type.slice(1))
  return '(w, v) => w.object(v)'
}

function writeValue(arg, value, bareWriters) {
  if (arg.vector === 'bare') return `w.bareVector(${value}, ${elementWriter(arg.type, bareWriters)})`
  if (arg.vector && PRIMITIVES[arg.type]) return `w.vector(${value}, ${elementWriter(arg.type)})`
  if (arg.vector) return `w.objects(${value})`
  if (PRIMITIVES[arg.type]) return `w.${PRIMITIVES[arg.type]}(${value})`
  return `w.object(${value})`
}

/** The expression that gives an older constructor its field of an object in today's shape. */
function adaptedValue(arg, newest) {
  const value = `o.${fieldName(arg.name)}`
  const today = newest.args.find((other) => other.name === arg.name)
  const older = typeText(arg.type, arg.vector)
  const newer = today && typeText(today.type, today.vector)
  const conversion = newer && newer !== older ? FIELD_CONVERSIONS[`${newer}>${older}`] : undefined
  return conversion ? `(${conversion})(${value})` : value
}

/** A3 of tl-adaptation: what is written when the object lacks a field that only this older constructor requires. */
function neutralValue(arg, newest) {
  const today = newest.args.find((other) => other.name === arg.name)
  if (today && !today.flag) return undefined
  return arg.vector ? NEUTRAL_VALUES.vector : NEUTRAL_VALUES[arg.type]
}

function flagsWord(name, entry) {
  const terms = entry.args
    .filter((arg) => arg.flag?.[0] === name)
    .map((arg) => {
      const value = `o.${fieldName(arg.name)}`
      const test = arg.type === 'true' ? `${value} === true` : `${value} !== undefined`
      return `(${test} ? ${1 << arg.flag[1]} : 0)`
    })
  return `const ${name} = ${terms.join(' | ') || '0'}; w.word(${name})`
}

function writerBody(entry, newest, bareWriters) {
  const statements = []
  for (const arg of entry.args) {
    if (arg.type === '#') statements.push(flagsWord(arg.name, entry))
    if (arg.type === '#' || arg.type === 'true') continue
    const field = entry === newest ? newestField(arg, bareWriters) : olderField(arg, newest, bareWriters)
    statements.push(arg.flag ? `if (${arg.flag[0]} & ${1 << arg.flag[1]}) { ${field} }` : field)
  }
  return statements.join('; ')
}

function newestField(arg, bareWriters) {
  const field = fieldName(arg.name)
  return `if (o.${field} === undefined) w.missing(o, '${field}'); else ${writeValue(arg, `o.${field}`, bareWriters)}`
}

function olderField(arg, newest, bareWriters) {
  const field = fieldName(arg.name)
  const derived = DERIVED_FIELDS[`${newest.name}.${arg.name}:${typeText(arg.type, arg.vector)}`]
  const neutral = neutralValue(arg, newest)
  const otherwise = neutral ? writeValue(arg, neutral, bareWriters) : `w.missing(o, '${field}')`
  if (derived) {
    const write = writeValue(arg, 'd', bareWriters)
    return `{ const d = o.${field} ?? (${derived}); if (d === undefined) ${otherwise}; else ${write} }`
  }
  return `if (o.${field} === undefined) ${otherwise}; else ${writeValue(arg, adaptedValue(arg, newest), bareWriters)}`
}

/** @param {import('./tl-history.mjs').History} history */
export function renderWriters({ entries, byName }) {
  const bareNames = new Set(
    entries.flatMap((e) => e.args.map((arg) => arg.type).filter((type) => type.startsWith('%'))).map((t) => t.slice(1)),
  )
  const bareWriters = new Map([...bareNames].map((name, index) => [name, `b${index}`]))
  const bare = [...bareWriters].map(([name, fn]) => {
    const [entry] = byName.get(name)
    return `function ${fn}(w, o) { ${writerBody(entry, entry, bareWriters)} }`
  })
  const functions = entries.map((entry) => {
    const body = writerBody(entry, byName.get(entry.name)[0], bareWriters)
    return `(w, o) => { w.word(${signed(entry.id)})${body && `; ${body}`} },`
  })
  return [...bare, 'export const writers = [', ...functions, ']', ''].join('\n')
}

function resultFunction(entry, newest) {
  const older = typeText(entry.type, entry.vectorResult)
  const newer = typeText(newest.type, newest.vectorResult)
  const conversion = newer === older ? undefined : RESULT_CONVERSIONS[`${newer}>${older}`]
  const value = conversion ? `(${conversion})(v)` : 'v'
  if (entry.vectorResult && PRIMITIVES[entry.type]) {
    return `(w, v) => w.vector(${value}, ${elementWriter(entry.type)})`
  }
  if (entry.vectorResult) return `(w, v) => w.objects(${value})`
  if (PRIMITIVES[entry.type]) return `(w, v) => w.${PRIMITIVES[entry.type]}(${value})`
  return `(w, v) => w.object(${value})`
}

function renderResults(entries, byName) {
  const functions = new Map()
  const rows = []
  for (const entry of entries) {
    if (entry.kind !== 'method' || entry.mtproto) continue
    const source = isGeneric(entry.type) ? '(w, v) => w.object(v)' : resultFunction(entry, byName.get(entry.name)[0])
    if (!functions.has(source)) functions.set(source, `f${functions.size}`)
    rows.push(`['${entry.name}', ${entry.mask}, ${functions.get(source)}],`)
  }
  const declared = [...functions].map(([source, name]) => `const ${name} = ${source}`)
  return [...declared, 'export const results = [', ...rows, ']']
}

/** Only for names that some layer lacks. */
function renderStandIns(byName, everyLayer) {
  const declared = Object.entries(STAND_INS).map(([type, source]) => `const standInFor${type} = ${source}`)
  const rows = []
  for (const [name, list] of byName) {
    const missesLayers = list.reduce((mask, entry) => mask | entry.mask, 0) !== everyLayer
    if (list[0].kind !== 'class' || !STAND_INS[list[0].type] || !missesLayers) continue
    rows.push(`['${name}', (w, v) => w.object(standInFor${list[0].type}(v))],`)
  }
  return [...declared, 'export const standIns = new Map([', ...rows, '])']
}

/** @param {import('./tl-history.mjs').History} history */
export function renderTables({ layers, entries, byName }) {
  return [
    `export const layers = ${JSON.stringify(layers)}`,
    `export const names = ${JSON.stringify(entries.map((entry) => entry.name))}`,
    `export const masks = ${JSON.stringify(entries.map((entry) => entry.mask))}`,
    ...renderResults(entries, byName),
    ...renderStandIns(byName, (1 << layers.length) - 1),
    '',
  ].join('\n')
}
