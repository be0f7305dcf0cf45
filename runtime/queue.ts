/** What an empty queue holds; never written to. */
const NONE: never[] = []

/** First in, first out; push and shift take constant time on average, and an empty queue holds nothing. */
export class Queue<T> {
  #items: (T | undefined)[] = NONE
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  push(item: T): void {
    if (this.#items === NONE) this.#items = [item]
    else this.#items.push(item)
  }

  /** Puts the item before all others. */
  unshift(item: T): void {
    if (this.#head > 0) this.#items[--this.#head] = item
    else this.#items = [item, ...this.#items]
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) this.#rewind()
    else if (this.#head >= 64 && this.#head * 2 >= this.#items.length) this.#compact()
    return item
  }

  /** Takes everything out. */
  drain(): T[] {
    const items = this.#items.slice(this.#head) as T[]
    this.clear()
    return items
  }

  /** Leaves only the items for which `keep` is true, in their order. */
  retain(keep: (item: T) => boolean): void {
    this.#items = (this.#items.slice(this.#head) as T[]).filter(keep)
    this.#head = 0
  }

  clear(): void {
    this.#items = NONE
    this.#head = 0
  }

  /** Keeps the small array of a queue that comes and goes. */
  #rewind(): void {
    if (this.#head > 64) this.#items = NONE
    else this.#items.length = 0
    this.#head = 0
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
