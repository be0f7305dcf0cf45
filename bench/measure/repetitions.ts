import type { Figure, Run } from '../scenario.js'

/** One of the things that are compared. `once` gives one sample. */
export interface Side {
  readonly name: string
  once(): Promise<number> | number
}

/**
 * Takes the sides' samples in turns (A B, B A, A B, ...), so that what else the machine does meanwhile falls on all of
 * them alike. The first round warms up and is dropped.
 */
export async function alternate(run: Run, sides: readonly Side[], repetitions: number): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>(sides.map(({ name }) => [name, []]))
  for (let round = 0; round <= repetitions; round++) {
    run.progress(round === 0 ? 'warming up' : `repetition ${round} of ${repetitions}`)
    for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
      const sample = await side.once()
      if (round > 0) samples.get(side.name)?.push(sample)
    }
  }
  return samples
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Round by round, for both sides of a round saw the same machine. */
export function ratios(above: readonly number[], below: readonly number[]): number[] {
  return above.map((sample, round) => sample / below[round]!)
}

/** The median as a figure, with the spread of its samples. */
export function figureOf(
  name: string,
  unit: string,
  samples: readonly number[],
  targets: Pick<Figure, 'must' | 'aim'> = {},
): Figure {
  return { name, unit, value: median(samples), spread: [Math.min(...samples), Math.max(...samples)], ...targets }
}
