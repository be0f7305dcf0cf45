import type { mtp, tl } from './generated/schema.js'
import { resolveLayer, resultWriter } from './layers.js'
import { TlWriter } from './writer.js'

/** One writer a layer, reused: writing is synchronous, and what leaves a writer is a copy. */
const pool = new Map<number, TlWriter>()

function writerOf(layer: number): TlWriter {
  const known = pool.get(layer)
  if (known) return known
  const resolved = resolveLayer(layer)
  let writer = pool.get(resolved)
  if (!writer) {
    writer = new TlWriter(resolved)
    pool.set(resolved, writer)
  }
  return writer
}

/**
 * The object as clients of `layer` read it.
 *
 * @throws TlError MISSING_FIELD, NOT_IN_LAYER or INVALID_VALUE
 */
export function writeObject(layer: number, value: tl.TlObject | mtp.TlObject): Buffer {
  const writer = writerOf(layer)
  writer.reset()
  writer.object(value)
  return writer.finish()
}

/**
 * The result of a method as clients of `layer` read it: objects, Bool, numbers and vectors of them.
 *
 * @throws TlError MISSING_FIELD, NOT_IN_LAYER or INVALID_VALUE
 */
export function writeResult<M extends tl.MethodName>(layer: number, method: M, value: tl.RpcCallReturn[M]): Buffer {
  const writer = writerOf(layer)
  writer.reset()
  resultWriter(layer, method)(writer, value)
  return writer.finish()
}
