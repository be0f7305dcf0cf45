/**
 * Layers as tables from name to writer. A constructor's writer exists once, by its id; a layer only says which id a
 * name stands for, and its table is built when its first client comes.
 */

import { TlError } from './error.js'
import { layers, masks, names, results, standIns } from './generated/tables.js'
import { writers } from './generated/writers.js'
import type { TlWriter } from './writer.js'

/** Writes one value, its id included. */
export type TlWrite = (writer: TlWriter, value: unknown) => void

export type LayerTable = ReadonlyMap<string, TlWrite>

export const OLDEST_LAYER = layers[0]!
export const NEWEST_LAYER = layers.at(-1)!

/** The layers whose schemas are known, ascending. */
export const KNOWN_LAYERS: readonly number[] = layers

interface Layer {
  /** With stand-ins for what the layer lacks. */
  readonly objects: LayerTable
  readonly standIns: ReadonlySet<string>
  readonly results: LayerTable
}

const built = new Array<Layer | undefined>(layers.length)

/**
 * The layer whose schema serves clients of layer `layer`: the nearest known one at or below it, or the oldest.
 * (Between two published schemas a layer differs by what its clients do not need; a newer one is served the newest.)
 */
export function resolveLayer(layer: number): number {
  return layers[indexOf(layer)]!
}

function indexOf(layer: number): number {
  let index = layers.length - 1
  while (index > 0 && layers[index]! > layer) index--
  return index
}

function layerAt(index: number): Layer {
  const known = built[index]
  if (known) return known
  const layer = build(1 << index)
  built[index] = layer
  return layer
}

function build(bit: number): Layer {
  const objects = new Map<string, TlWrite>()
  for (const [i, name] of names.entries()) if (masks[i]! & bit) objects.set(name, writers[i]!)
  const missing = new Set<string>()
  for (const [name, write] of standIns) {
    if (objects.has(name)) continue
    objects.set(name, write)
    missing.add(name)
  }
  const resultWriters = new Map<string, TlWrite>()
  for (const [name, mask, write] of results) {
    if (mask & bit || !resultWriters.has(name)) resultWriters.set(name, write)
  }
  return { objects, standIns: missing, results: resultWriters }
}

export function layerTable(layer: number): LayerTable {
  return layerAt(indexOf(layer)).objects
}

/** Whether clients of the layer know a constructor or method of that name. */
export function hasConstructor(layer: number, name: string): boolean {
  const { objects, standIns } = layerAt(indexOf(layer))
  return objects.has(name) && !standIns.has(name)
}

/**
 * How the layer expects the result of a method. A method that the layer does not have (a client that calls more than
 * its layer) answers as in the newest layer that has it.
 *
 * @throws TlError NOT_IN_LAYER when no layer has the method
 */
export function resultWriter(layer: number, method: string): TlWrite {
  const write = layerAt(indexOf(layer)).results.get(method)
  if (write === undefined) throw new TlError('NOT_IN_LAYER', `there is no method ${method}`)
  return write
}

const methodSet: ReadonlySet<string> = new Set(results.map(([name]) => name))

/** The API's methods of every layer, sorted; MTProto's own are not among them. */
export const methodNames: readonly string[] = [...methodSet].sort()

export function isMethod(name: string): boolean {
  return methodSet.has(name)
}
