import type { Random } from '../runtime/index.js'

/** Randomness that a seed replays (xorshift128), with the words in which the simulation speaks. */
export class Dice implements Random {
  #a: number
  #b: number
  #c: number
  #d: number

  /** Dice of different names under one seed know nothing of each other: one more draw here changes nothing there. */
  constructor(seed: number, name: string) {
    let mixed = (seed ^ 0x9e3779b9) >>> 0
    const mix = (value: number) => {
      mixed = Math.imul(mixed ^ value, 0x85ebca6b) >>> 0
      mixed = (mixed ^ (mixed >>> 13)) >>> 0
      return mixed
    }
    for (let i = 0; i < name.length; i++) mix(name.charCodeAt(i))
    this.#a = mix(1)
    this.#b = mix(2)
    this.#c = mix(3)
    this.#d = mix(4) | 1
    for (let i = 0; i < 8; i++) this.#next()
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    for (let i = 0; i < count; i++) bytes[i] = this.#next() >>> 24
    return bytes
  }

  int(maxExclusive: number): number {
    const fraction = (this.#next() * 65_536 + (this.#next() >>> 16)) / 2 ** 48
    return Math.floor(fraction * maxExclusive)
  }

  /** A whole number from `low` to `high`, both inclusive. */
  between(low: number, high: number): number {
    return low + this.int(high - low + 1)
  }

  /** A fraction of a number between the two. */
  within(low: number, high: number): number {
    return low + ((high - low) * this.int(1 << 20)) / (1 << 20)
  }

  chance(probability: number): boolean {
    return this.int(1 << 20) < probability * (1 << 20)
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.int(from.length)]
    if (picked === undefined) throw new RangeError('nothing to pick from')
    return picked
  }

  /** One of the keys, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries(weights) as [Name, number][]
    let left = this.within(
      0,
      entries.reduce((sum, [, weight]) => sum + weight, 0),
    )
    for (const [name, weight] of entries) {
      if (left < weight) return name
      left -= weight
    }
    return entries[0]![0]
  }

  #next(): number {
    let t = this.#d
    const s = this.#a
    this.#d = this.#c
    this.#c = this.#b
    this.#b = s
    t ^= t << 11
    t ^= t >>> 8
    this.#a = (t ^ s ^ (s >>> 19)) >>> 0
    return this.#a
  }
}
