import { resolveLayer, type tl, writeObject } from '../tl/index.js'

/** One object as clients of each layer read it, serialized once a layer. */
export class LayeredBody {
  readonly #value: tl.TlObject
  readonly #bodies = new Map<number, Buffer>()

  constructor(value: tl.TlObject) {
    this.#value = value
  }

  /** Throws a TlError if the layer cannot say it. */
  of(layer: number): Buffer {
    const resolved = resolveLayer(layer)
    const known = this.#bodies.get(resolved)
    if (known) return known
    const body = writeObject(resolved, this.#value)
    this.#bodies.set(resolved, body)
    return body
  }
}
