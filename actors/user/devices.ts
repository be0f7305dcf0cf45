import type { Authorization, BoxFact } from './changes.js'
import { withKey } from './contacts.js'
import type { Entry } from './entry.js'
import { limits } from './limits.js'
import type { UserMemory } from './memory.js'
import { appendHidden } from './milestone.js'
import type { UserReading, UserTurn } from './shape.js'
import type { UserState } from './state.js'

type DeviceFact = Extract<BoxFact, { type: 'authorized' | 'deviceActive' | 'revoked' | 'delivered' }>

export function foldDeviceFact(state: UserState, fact: DeviceFact): void {
  const others = (authKey: string) => (state.authorizations ?? []).filter((device) => device.authKey !== authKey)
  switch (fact.type) {
    case 'authorized':
      state.authorizations = [...others(fact.authorization.authKey), { ...fact.authorization }]
      return
    case 'deviceActive': {
      const { authKey, atMs: activeAtMs, layer, address } = fact
      state.authorizations = state.authorizations?.map((device) =>
        device.authKey === authKey ? { ...device, activeAtMs, layer, address } : device,
      )
      return
    }
    case 'revoked': {
      const left = (state.authorizations ?? []).filter(({ authKey }) => !fact.authKeys.includes(authKey))
      state.authorizations = left.length > 0 ? left : undefined
      for (const authKey of fact.authKeys) state.delivered = withKey(state.delivered, authKey, undefined)
      return
    }
    case 'delivered':
      for (const { authKey, pts } of fact.devices) {
        if (isAuthorized(state, authKey)) state.delivered = withKey(state.delivered, authKey, pts)
      }
  }
}

export function isAuthorized(state: UserState, authKey: string): boolean {
  return state.authorizations?.some((device) => device.authKey === authKey) ?? false
}

/** With the newest activity that this activation knows of. */
export function authorizationsOf({ state, memory }: Pick<UserReading, 'state' | 'memory'>): Authorization[] {
  return (state.authorizations ?? []).map((device) => ({
    ...device,
    activeAtMs: Math.max(device.activeAtMs, memory.active?.get(device.authKey) ?? 0),
  }))
}

/** The entry for a new device, after one that signs out the longest idle when there are too many. */
export function authorizeEntries(state: UserState, authorization: Authorization): Entry[] {
  const others = (state.authorizations ?? []).filter(({ authKey }) => authKey !== authorization.authKey)
  const entry: Entry = { type: 'authorized', authorization }
  if (others.length < limits.authorizations) return [entry]
  const idle = others.reduce((one, other) => (other.activeAtMs < one.activeAtMs ? other : one))
  return [{ type: 'revoked', authKeys: [idle.authKey] }, entry]
}

export function offerTransfer(turn: UserTurn, request: { transfer: string; from: string; untilMs: number }): void {
  const { memory, nowMs } = turn
  const { transfer, from, untilMs } = request
  const offers = [...(memory.transfers ?? [])].filter(([, offer]) => offer.untilMs >= nowMs)
  memory.transfers = new Map([...offers.slice(1 - limits.transfers), [transfer, { from, untilMs }]])
}

/** The same auth key may ask again: its answer may have been lost. */
export function takeTransfer(turn: UserTurn, { transfer, by }: { transfer: string; by: string }): boolean {
  const offer = turn.memory.transfers?.get(transfer)
  if (!offer || offer.untilMs < turn.nowMs || !isAuthorized(turn.state, offer.from)) return false
  offer.by ??= by
  return offer.by === by
}

export interface RevokeRequest {
  readonly authKeys?: readonly string[]
  readonly hash?: string
  readonly allExcept?: string
}

/** The auth keys that the request names, of those that are signed in. */
export function revokedBy(state: UserState, { authKeys, hash, allExcept }: RevokeRequest): string[] {
  const named = (device: Authorization) =>
    (authKeys?.includes(device.authKey) ?? false) ||
    (hash !== undefined && device.hash === hash) ||
    (allExcept !== undefined && device.authKey !== allExcept)
  return (state.authorizations ?? []).filter(named).map(({ authKey }) => authKey)
}

export function touch(turn: UserTurn, request: { authKey: string; layer: number; address: string }): void {
  const { authKey, layer, address } = request
  const device = turn.state.authorizations?.find((each) => each.authKey === authKey)
  if (!device) return
  const { memory, nowMs } = turn
  memory.active = withKey(memory.active, authKey, nowMs)
  const isSame = device.layer === layer && device.address === address
  const everyMs = isSame ? limits.deviceActiveEveryMs : limits.deviceChangeEveryMs
  if (nowMs - device.activeAtMs < everyMs) return
  appendHidden(turn, { type: 'deviceActive', authKey, atMs: nowMs, layer, address })
}

/** Takes acknowledgements into memory; `storeDelivered` writes them down. */
export function noteDelivered(turn: UserTurn, devices: readonly { authKey: string; pts: number }[]): void {
  const { state, memory, head } = turn
  for (const { authKey, pts } of devices) {
    const known = deliveredPts(state, memory, authKey)
    if (pts > known && pts <= head.pts && isAuthorized(state, authKey)) {
      memory.delivered = withKey(memory.delivered, authKey, pts)
    }
  }
  if (turn.nowMs - memory.deliveredStoredAtMs >= limits.deliveredEveryMs) storeDelivered(turn)
}

export function storeDelivered(turn: UserTurn): void {
  const { state, memory } = turn
  const devices = [...(memory.delivered ?? [])]
    .map(([authKey, pts]) => ({ authKey, pts }))
    .filter(({ authKey, pts }) => isAuthorized(state, authKey) && pts > (state.delivered?.get(authKey) ?? 0))
  memory.delivered = undefined
  if (devices.length === 0) return
  memory.deliveredStoredAtMs = turn.nowMs
  appendHidden(turn, { type: 'delivered', devices })
}

export function deliveredPts(state: UserState, memory: UserMemory, authKey: string): number {
  return memory.delivered?.get(authKey) ?? state.delivered?.get(authKey) ?? 0
}

export function deliveredTo({
  state,
  memory,
}: Pick<UserReading, 'state' | 'memory'>): { authKey: string; pts: number }[] {
  return (state.authorizations ?? []).flatMap(({ authKey }) => {
    const pts = deliveredPts(state, memory, authKey)
    return pts > 0 ? [{ authKey, pts }] : []
  })
}
