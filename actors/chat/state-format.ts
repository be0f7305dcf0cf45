/** How the fold of a chat is stored (CORE J8). */
import type { ChatState } from './state.js'

/** 2: receipts have slots, and rows by windows (receipts.ts). 1: rows by hash, and told by `receiptsStored` alone. */
export const STATE_VERSION = 2

type StoredState = Omit<ChatState, 'evicted' | 'filter'>
type FirstState = Omit<ChatState, 'windows' | 'hasFirstReceipts'> & { readonly receiptsStored: boolean }

const SLOTS_OF_A_HASH = 16

export function encodeState({ evicted: _, filter: __, ...stored }: ChatState): StoredState {
  return stored
}

export function decodeState(stored: unknown, version: number): ChatState {
  if (version >= 2) return { ...(stored as StoredState), evicted: [] }
  const { receiptsStored, receipts, ...rest } = stored as FirstState
  const keys = [...receipts].map(([hash, n]) => [hash * SLOTS_OF_A_HASH, n] as const)
  const first = receiptsStored ? ({ hasFirstReceipts: true } as const) : undefined
  return { ...rest, receipts: new Map(keys), windows: [], evicted: [], ...first }
}
