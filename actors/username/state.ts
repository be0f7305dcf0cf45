/** What a name's journal says. Pure. */
export type UsernameEntry =
  | { readonly type: 'reserved'; readonly user: number; readonly token: number }
  | { readonly type: 'confirmed'; readonly user: number }
  /** Owned by nobody, reserved by nobody. */
  | { readonly type: 'released' }
  /** The search rows are written, as of `pts`. Takes no number. */
  | { readonly type: 'indexed'; readonly pts: number }

export interface UsernameState {
  readonly owner?: number
  readonly reservation?: Reservation
  readonly lastToken: number
  /** The entry that last changed the owner, and the last one that search rows are known to show. */
  readonly changedPts: number
  readonly indexedPts: number
  /** Former owners whose search rows may stand there. */
  readonly former: readonly number[]
}

export interface Reservation {
  readonly user: number
  readonly token: number
  readonly atMs: number
}

export const NO_OWNER: UsernameState = { lastToken: 0, changedPts: 0, indexedPts: 0, former: [] }

/** More changes than this without a written row do not happen: the next change waits for the index. */
const FORMER_OWNERS = 8

export function applied(
  state: UsernameState,
  entry: UsernameEntry,
  { pts, atMs }: { readonly pts: number; readonly atMs: number },
): UsernameState {
  const { owner, reservation: _, ...rest } = state
  switch (entry.type) {
    case 'reserved': {
      const { user, token } = entry
      return { ...state, reservation: { user, token, atMs }, lastToken: token }
    }
    case 'confirmed':
      if (owner === entry.user) return { ...rest, owner }
      return { ...rest, owner: entry.user, changedPts: pts, former: without(formerWith(state), entry.user) }
    case 'released':
      return owner === undefined ? rest : { ...rest, changedPts: pts, former: formerWith(state) }
    case 'indexed':
      return { ...state, indexedPts: entry.pts, former: entry.pts >= state.changedPts ? [] : state.former }
  }
}

function formerWith({ former, owner }: UsernameState): readonly number[] {
  return owner === undefined ? former : [...without(former, owner), owner].slice(-FORMER_OWNERS)
}

function without(users: readonly number[], user: number): readonly number[] {
  return users.filter((one) => one !== user)
}
