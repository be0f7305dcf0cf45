/**
 * The offsets of Telegram's message lists (core.telegram.org/api/offsets), newest first: the position is the number of
 * messages with id >= offset_id (or date >= offset_date, seconds), moved by add_offset, cut at the list's ends; then
 * `limit` are taken; then those at or above max_id and at or below min_id (0: none) are left out.
 */
export interface WindowRequest {
  readonly offsetId: number
  readonly offsetDate: number
  readonly addOffset: number
  readonly limit: number
  readonly maxId: number
  readonly minId: number
}

export interface Listed {
  readonly id: number
  readonly seconds: number
}

/** Whether the message comes after the offset, going back in time. */
export function isAfterOffset(
  { offsetId, offsetDate }: Pick<WindowRequest, 'offsetId' | 'offsetDate'>,
  { id, seconds }: Listed,
): boolean {
  return (offsetId <= 0 || id < offsetId) && (offsetDate <= 0 || seconds < offsetDate)
}

export function isWithinIds({ maxId, minId }: WindowRequest, { id }: Listed): boolean {
  return (maxId <= 0 || id < maxId) && (minId <= 0 || id > minId)
}

/** The window of a list that is there as a whole, newest first. */
export function windowOf<T extends Listed>(list: readonly T[], request: WindowRequest): { offset: number; page: T[] } {
  const first = list.findIndex((item) => isAfterOffset(request, item))
  const start = (first === -1 ? list.length : first) + request.addOffset
  const page = list.slice(Math.max(0, start), Math.max(0, start + request.limit))
  return { offset: Math.min(Math.max(0, start), list.length), page: page.filter((item) => isWithinIds(request, item)) }
}
