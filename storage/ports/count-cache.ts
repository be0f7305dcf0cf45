/**
 * How many subscribers a channel has. The channel's own figure is the truth; whoever computed it puts it here.
 *
 * CC1. `add` changes a count that is there and leaves one that is not: a sum never starts from nothing.
 */
export interface CountCache {
  put(counts: readonly { readonly channel: number; readonly count: number }[]): Promise<boolean>
  add(changes: readonly { readonly channel: number; readonly by: number }[]): Promise<boolean>
  remove(channels: readonly number[]): Promise<boolean>
  of(channels: readonly number[]): Promise<readonly (number | undefined)[]>
}
