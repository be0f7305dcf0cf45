import { Counter, type Registry } from 'prom-client'

interface Cell {
  count: number
}

/**
 * Counts events by two labels. An event costs two map look-ups and an addition; the metrics library, which hashes its
 * labels on each call, sees the totals only when somebody reads them. Labels come from fixed sets, never from a
 * client's text, so the number of cells is bounded.
 */
export class Tally {
  readonly #cells = new Map<string, Map<string, Cell>>()

  /** @param labels names of the two labels; the second may be missing */
  constructor(registry: Registry, name: string, help: string, labels: readonly [string, (string | undefined)?]) {
    const [first, second] = labels
    const forEach = this.forEach.bind(this)
    new Counter({
      name,
      help,
      labelNames: second === undefined ? [first] : [first, second],
      registers: [registry],
      collect() {
        this.reset()
        forEach((a, b, count) => this.inc(second === undefined ? { [first]: a } : { [first]: a, [second]: b }, count))
      },
    })
  }

  add(first: string, second = '', by = 1): void {
    const cell = this.#cells.get(first)?.get(second)
    if (cell === undefined) this.#rowOf(first).set(second, { count: by })
    else cell.count += by
  }

  #rowOf(first: string): Map<string, Cell> {
    const row = this.#cells.get(first) ?? new Map<string, Cell>()
    this.#cells.set(first, row)
    return row
  }

  /** The sum over all cells, or over those of one first label. */
  total(first?: string): number {
    let sum = 0
    this.forEach((label, _, count) => {
      if (first === undefined || label === first) sum += count
    })
    return sum
  }

  forEach(visit: (first: string, second: string, count: number) => void): void {
    for (const [first, row] of this.#cells) for (const [second, cell] of row) visit(first, second, cell.count)
  }
}
