import type { Figure, Target } from '../scenario.js'

/** A number as people read it: three digits that matter, thousands set apart. */
export function shown(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en-US')
  if (size >= 100 || Number.isInteger(value)) return String(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

export function shortly(value: number): string {
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`
  if (Math.abs(value) >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`
  return String(Number(value.toPrecision(4)))
}

export function targetShown(target: Target): string {
  return 'atLeast' in target ? `≥ ${shown(target.atLeast)}` : `≤ ${shown(target.atMost)}`
}

function isReached(value: number, target: Target): boolean {
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost
}

export type Verdict = 'aim' | 'must' | 'missed' | 'none'

export function verdictOf({ value, must, aim }: Figure): Verdict {
  if (aim !== undefined && isReached(value, aim)) return 'aim'
  if (must === undefined) return aim === undefined ? 'none' : 'missed'
  return isReached(value, must) ? 'must' : 'missed'
}
