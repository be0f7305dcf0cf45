import type { ActorLimits } from './actor.js'
import type { SystemLimits } from './system.js'

export const DEFAULT_LIMITS: SystemLimits = {
  residentActors: 100_000,
  callTimeoutMs: 10_000,
  inFlightCalls: 100_000,
  parkedCalls: 20_000,
  parkedBytes: 64 * 1024 * 1024,
  sweepEveryMs: 30_000,
  actor: {
    mailboxCalls: 1_000,
    mailboxBytes: 8 * 1024 * 1024,
    mailboxAgeMs: 5_000,
    idleAfterMs: 300_000,
    packAfterMs: 30_000,
    checkpointEntries: 256,
    checkpointBytes: 256 * 1024,
  },
}

/** The limits with their defaults. Throws a TypeError that names the setting and the cure for one that cannot work. */
export function completeLimits(given: Partial<SystemLimits> | undefined): SystemLimits {
  const limits = { ...DEFAULT_LIMITS, ...given }
  const { actor, ...numbers } = limits
  for (const [name, value] of Object.entries(numbers)) positive(`limits.${name}`, value)
  checkActorLimits('limits.actor', actor)
  return limits
}

export function checkActorLimits(where: string, limits: ActorLimits): void {
  for (const [name, value] of Object.entries(limits)) positive(`${where}.${name}`, value)
}

function positive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return
  throw new TypeError(`${name} is ${value}; give a whole number above 0`)
}
