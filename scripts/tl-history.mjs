// The committed constructor history as the generators see it.

import { eachDeclaration } from './tl-text.mjs'

/**
 * @typedef {import('./tl-text.mjs').Entry & { mask: number, mtproto: boolean }} HistoryEntry
 *   Bit i of `mask` stands for `layers[i]`; MTProto's own constructors are in every layer.
 * @typedef {{ layers: number[], entries: HistoryEntry[], byName: Map<string, HistoryEntry[]> }} History
 *   `entries` and each list of `byName` have the newest shape first.
 */

const SOURCE_LAYER = /^\/\/ source: layer (\d+),/gm

/** @returns {History} */
export function loadHistory(text) {
  const layers = [...text.matchAll(SOURCE_LAYER)].map((match) => Number(match[1]))
  const entries = []
  eachDeclaration(text, (entry, line) => {
    const present = line.slice(line.indexOf('; // ') + 5)
    const mtproto = present === 'mtproto'
    entries.push({ ...entry, mtproto, mask: mtproto ? (1 << layers.length) - 1 : maskOf(present, layers) })
  })
  entries.sort((a, b) => b.mask - a.mask)
  return { layers, entries, byName: groupByName(entries) }
}

function groupByName(entries) {
  const byName = new Map()
  for (const entry of entries) {
    const list = byName.get(entry.name)
    if (list) list.push(entry)
    else byName.set(entry.name, [entry])
  }
  return byName
}

function maskOf(present, layers) {
  let mask = 0
  for (const run of present.split(' ')) {
    const [from, to = from] = run.split('-')
    for (let i = layers.indexOf(Number(from)); i <= layers.indexOf(Number(to)); i++) mask |= 1 << i
  }
  return mask
}

/** The name of a field in objects: `user_id` is `userId`. */
export function fieldName(name) {
  return name.replace(/_([a-zA-Z0-9])/g, (_, letter) => letter.toUpperCase())
}

/** An id as the signed 32-bit number that readers see. */
export function signed(id) {
  return id | 0
}

/** A type as TL writes it, vectors included. */
export function typeText(type, vector) {
  return vector ? `Vector<${type}>` : type
}

/** Types that are values and not objects, and the method that reads or writes one. */
export const PRIMITIVES = {
  int: 'int',
  long: 'long',
  int53: 'int53',
  double: 'double',
  string: 'string',
  bytes: 'bytesValue',
  int128: 'int128',
  int256: 'int256',
  Bool: 'boolean',
}

/** What a generic call wraps, and what it answers. */
export const isGeneric = (type) => type === '!X' || type === 'X'
