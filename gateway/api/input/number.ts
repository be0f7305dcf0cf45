import { refuseCall } from '../errors.js'

/** Bounds of what one call may name or ask for. */
export const MAX_IDS = 100
const MAX_PAGE = 100

const MAX_INT32 = 2 ** 31 - 1

/** Message ids, each once. Refused: MESSAGE_IDS_EMPTY, LIMIT_INVALID, MESSAGE_ID_INVALID. */
export function messageIdsOf(ids: readonly number[], most = MAX_IDS): readonly number[] {
  if (ids.length === 0) refuseCall('MESSAGE_IDS_EMPTY')
  if (ids.length > most) refuseCall('LIMIT_INVALID')
  return [...new Set(ids.map(messageIdOf))]
}

/** One message id. Refused: MESSAGE_ID_INVALID. */
export function messageIdOf(id: number): number {
  return Number.isInteger(id) && id > 0 && id <= MAX_INT32 ? id : refuseCall('MESSAGE_ID_INVALID')
}

/** How many a page holds: what was asked for, within 1 to `most`; 0 or less asks for the most. */
export function pageOf(limit: number, most = MAX_PAGE): number {
  return limit > 0 ? Math.min(limit, most) : most
}

/** A number that may not be negative: such a one stands for none. */
export function atLeastZero(value: number | undefined): number {
  return value !== undefined && value > 0 ? value : 0
}
