import { isInLayer, readHistory, type Shape } from '../../gateway/tl/testing/index.js'

const VECTOR = 0x1cb5c415
const BOOL = new Set([0x997275b5, 0xbc799737])
const FIXED_BYTES: Readonly<Record<string, number>> = { int: 4, long: 8, int53: 8, double: 8, int128: 16, int256: 32 }

/**
 * Walks bytes by one layer's schema alone, as a client of that age does, and throws at what that schema does not have.
 * Written from the schema's text, apart from the generated readers, which know every layer at once.
 */
export class LayerReader {
  readonly #shapes: ReadonlyMap<number, Shape>
  readonly #layer: number
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0

  constructor(layer: number) {
    const shapes = readHistory().filter((shape) => !shape.isMethod && isInLayer(shape, layer))
    this.#shapes = new Map(shapes.map((shape) => [shape.id, shape]))
    this.#layer = layer
  }

  /** Walks a whole result or update: nothing may be left over. */
  read(bytes: Buffer): void {
    this.#bytes = bytes
    this.#at = 0
    this.#any()
    if (this.#at !== bytes.length) throw new Error(`${bytes.length - this.#at} of ${bytes.length} bytes are left over`)
  }

  #any(): void {
    const id = this.#bytes.readUInt32LE(this.#at)
    if (id === VECTOR) this.#vector(undefined)
    else this.#object(undefined)
  }

  #vector(type: string | undefined): void {
    if (this.#uint() !== VECTOR) throw new Error('no vector where one is due')
    for (let left = this.#uint(); left > 0; left--) {
      if (type === undefined) this.#object(undefined)
      else this.#value(type)
    }
  }

  #object(type: string | undefined): void {
    const id = this.#uint()
    if (BOOL.has(id) && (type === undefined || type === 'Bool')) return
    const shape = this.#shapes.get(id)
    if (!shape) throw new Error(`layer ${this.#layer} has no ${id.toString(16)}, where a ${type ?? 'result'} is due`)
    if (type !== undefined && shape.type !== type) throw new Error(`${shape.name} is no ${type}`)
    const flags = new Map<string, number>()
    for (const field of shape.fields) {
      if (field.type === '#') flags.set(field.name, this.#uint())
      else if (field.flag === undefined || isSet(flags, field.flag)) {
        if (field.vector) this.#vector(field.type)
        else if (field.type !== 'true') this.#value(field.type)
      }
    }
  }

  #value(type: string): void {
    const fixed = FIXED_BYTES[type]
    if (fixed !== undefined) this.#at += fixed
    else if (type === 'string' || type === 'bytes') this.#skipString()
    else this.#object(type)
  }

  #skipString(): void {
    const first = this.#bytes[this.#at]!
    const [head, length] = first < 254 ? [1, first] : [4, this.#bytes.readUIntLE(this.#at + 1, 3)]
    this.#at += (head + length + 3) & ~3
  }

  #uint(): number {
    const value = this.#bytes.readUInt32LE(this.#at)
    this.#at += 4
    return value
  }
}

function isSet(flags: ReadonlyMap<string, number>, flag: string): boolean {
  const [word = '', bit = ''] = flag.split('.')
  return (((flags.get(word) ?? 0) >>> Number(bit)) & 1) === 1
}
