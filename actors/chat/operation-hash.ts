import { codeAt } from '../../runtime/index.js'

/** 48 bits of (by, op): finds a receipt, whose entry then says whether it is the one. */
export function operationHash(by: number, op: string): number {
  const text = `${by}:${op}`
  const { length } = text
  let low = 0x811c9dc5
  let high = 0x9747b28c
  for (let i = 0; i < length; i++) {
    const code = codeAt(text, i)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul(high ^ code, 0x5bd1e995)
    high ^= high >>> 15
  }
  low = Math.imul(low ^ (low >>> 16), 0x7feb352d)
  high = Math.imul(high ^ (high >>> 13) ^ low, 0x2c1b3c6d)
  return ((low ^ (low >>> 15)) >>> 0) * 0x10000 + ((high ^ (high >>> 12)) & 0xffff)
}
