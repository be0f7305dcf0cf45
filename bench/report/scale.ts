/** Where a value lies between two ends, linear or logarithmic, and which values to mark. */
export interface AxisScale {
  at(value: number): number
  readonly ticks: readonly number[]
}

const TICKS = 5

export function linearScale(low: number, high: number, from: number, to: number): AxisScale {
  const span = high - low || 1
  const step = niceStep(span / TICKS)
  const ticks: number[] = []
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) ticks.push(clean(tick))
  return { at: (value) => from + ((value - low) / span) * (to - from), ticks }
}

export function logarithmicScale(low: number, high: number, from: number, to: number): AxisScale {
  const start = Math.log10(Math.max(low, Number.MIN_VALUE))
  const span = Math.log10(Math.max(high, Number.MIN_VALUE)) - start || 1
  const ticks: number[] = []
  for (let power = Math.floor(start); power <= Math.ceil(start + span); power++) {
    for (const digit of span < 2 ? [1, 2, 5] : [1]) {
      const tick = digit * 10 ** power
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(clean(tick))
    }
  }
  return { at: (value) => from + ((Math.log10(Math.max(value, low)) - start) / span) * (to - from), ticks }
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= rough) ?? 10) * power
}

function clean(value: number): number {
  return Number(value.toPrecision(12))
}
