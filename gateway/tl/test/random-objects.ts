import { type Long, longFromBuffer } from '../index.js'
import type { Shape, ShapeField } from './shapes.js'

/** How a library represents what TL knows: the same seed gives the same object in each dialect. */
export interface Dialect {
  long(bytes: Buffer): unknown
  int53(value: number): unknown
  int128(bytes: Buffer): unknown
  fieldName(name: string): string
  object(shape: Shape, fields: Record<string, unknown>): unknown
}

/** Objects as Heliograph has them. */
export const ours: Dialect = {
  long: (bytes): Long => longFromBuffer(bytes),
  int53: (value) => value,
  int128: (bytes) => bytes,
  fieldName: (name) => name.replace(/_([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  object: (shape, fields) => ({ _: shape.name, ...fields }),
}

/** A small generator of its own, so that one seed gives one object in every dialect. */
class Seeded {
  private state: number

  constructor(seed: number) {
    this.state = seed | 0
  }

  /** In [0, 2^32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }

  below(limit: number): number {
    return this.next() % limit
  }

  bytes(size: number): Buffer {
    return Buffer.from(Array.from({ length: size }, () => this.next() & 255))
  }
}

const DEEP = 3
const LETTERS = ['a', 'Z', '0', ' ', 'é', 'ж', '漢', '😀']
/** Around the places where TL's length changes its form. */
const LENGTHS = [0, 1, 2, 3, 4, 5, 19, 20, 21, 60, 252, 253, 254, 255, 300]

export interface RandomOptions {
  /** Left out of every object: fields (`constructor.field`) that the other side is known to have wrong. */
  readonly without?: ReadonlySet<string>
  /** Whether an optional vector that is present may be empty. */
  readonly emptyOptionalVectors?: boolean
  /** Numbers of users, chats and files are never below 0. */
  readonly noNegativeIds?: boolean
}

/** Makes random objects of a schema: every field valid, every flag as likely set as not, nested to a small depth. */
export class RandomObjects {
  private readonly classes = new Map<string, Shape[]>()
  private readonly byName = new Map<string, Shape>()
  private readonly call: Shape
  private readonly dialect: Dialect
  private readonly options: RandomOptions

  constructor(shapes: readonly Shape[], dialect: Dialect = ours, options: RandomOptions = {}) {
    this.dialect = dialect
    this.options = options
    for (const shape of shapes) {
      this.byName.set(shape.name, shape)
      if (shape.isMethod) continue
      const list = this.classes.get(shape.type) ?? []
      this.classes.set(shape.type, list)
      list.push(shape)
    }
    for (const list of this.classes.values()) list.sort((a, b) => a.fields.length - b.fields.length)
    this.call = this.byName.get('help.getConfig')!
  }

  object(shape: Shape, seed: number): unknown {
    return this.build(shape, new Seeded(seed), 0)
  }

  private build(shape: Shape, random: Seeded, depth: number): unknown {
    const fields: Record<string, unknown> = {}
    const flags = new Map<string, boolean>()
    for (const field of shape.fields) {
      if (field.type === '#') continue
      if (field.flag !== undefined && !this.isPresent(shape, field, flags, random, depth)) continue
      fields[this.dialect.fieldName(field.name)] = this.field(field, random, depth)
    }
    return this.dialect.object(shape, fields)
  }

  private isPresent(
    shape: Shape,
    field: ShapeField,
    flags: Map<string, boolean>,
    random: Seeded,
    depth: number,
  ): boolean {
    if (this.options.without?.has(`${shape.name}.${field.name}`)) return false
    const decided = flags.get(field.flag!)
    if (decided !== undefined) return decided
    const present = random.below(2) === 1 && depth <= DEEP
    flags.set(field.flag!, present)
    return present
  }

  private field(field: ShapeField, random: Seeded, depth: number): unknown {
    if (!field.vector) return this.value(field.type, random, depth)
    const atLeast = field.flag !== undefined && !this.options.emptyOptionalVectors ? 1 : 0
    const length = depth > DEEP ? atLeast : atLeast + random.below(3)
    return Array.from({ length }, () => this.value(field.type, random, depth))
  }

  private value(type: string, random: Seeded, depth: number): unknown {
    switch (type) {
      case 'int':
        return random.next() | 0
      case 'int53':
        return this.dialect.int53(this.int53(random))
      case 'long':
        return this.dialect.long(random.bytes(8))
      case 'double':
        return random.next() / 7
      case 'string':
        return this.text(random)
      case 'bytes':
        return random.bytes(this.length(random))
      case 'int128':
        return this.dialect.int128(random.bytes(16))
      case 'int256':
        return this.dialect.int128(random.bytes(32))
      case 'Bool':
        return random.below(2) === 1
      case 'true':
        return true
      case '!X':
        return this.build(this.call, random, depth + 1)
      default:
        return this.build(this.shapeOf(type, random, depth), random, depth + 1)
    }
  }

  private int53(random: Seeded): number {
    const value = random.below(2 ** 21) * 2 ** 32 + random.next()
    return random.below(2) === 0 && !this.options.noNegativeIds ? -value : value
  }

  private length(random: Seeded): number {
    return LENGTHS[random.below(LENGTHS.length)]!
  }

  private text(random: Seeded): string {
    const letters = random.below(2) === 0 ? 4 : LETTERS.length
    return Array.from({ length: this.length(random) }, () => LETTERS[random.below(letters)]).join('')
  }

  private shapeOf(type: string, random: Seeded, depth: number): Shape {
    const bare = this.byName.get(type.replace('%', ''))
    if (bare !== undefined && !bare.isMethod && bare.type !== type) return bare
    const shapes = this.classes.get(type)
    if (shapes === undefined) throw new Error(`no constructor of type ${type}`)
    return depth > DEEP ? shapes[0]! : shapes[random.below(shapes.length)]!
  }
}
