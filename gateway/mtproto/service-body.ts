import type { mtp, tl } from '../tl/index.js'
import { NEWEST_LAYER, writeObject } from '../tl/index.js'

/** A message of the protocol itself, or an update, as bytes. MTProto's own constructors are the same in every layer. */
export function serviceBody(message: mtp.TlObject | tl.TlObject, layer = NEWEST_LAYER): Buffer {
  return writeObject(layer, message)
}
