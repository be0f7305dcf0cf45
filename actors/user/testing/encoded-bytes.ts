import { Packr } from 'msgpackr'

const packr = new Packr({ useRecords: true, moreTypes: true })

/** What a value takes in a snapshot, about. */
export function encodedBytes(value: unknown): number {
  return packr.pack(value).length
}
