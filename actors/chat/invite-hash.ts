import type { Random } from '../../runtime/index.js'

/**
 * The part of an invite link after the `+`: seven bytes of group id, then eleven random ones, in base64url. It names the
 * group, so no directory of links is kept; that it is valid only the group itself knows.
 */
export function newInviteHash(groupId: number, random: Random): string {
  const bytes = Buffer.alloc(ID_BYTES + SECRET_BYTES)
  bytes.writeUIntBE(Math.floor(groupId / 0x100), 0, ID_BYTES - 1)
  bytes.writeUInt8(groupId % 0x100, ID_BYTES - 1)
  random.bytes(SECRET_BYTES).copy(bytes, ID_BYTES)
  return bytes.toString('base64url')
}

/** The group that a link names; undefined for text that is no such hash. */
export function groupOfInvite(hash: string): number | undefined {
  if (!/^[A-Za-z0-9_-]{24}$/.test(hash)) return undefined
  const bytes = Buffer.from(hash, 'base64url')
  const id = bytes.readUIntBE(0, ID_BYTES - 1) * 0x100 + bytes.readUInt8(ID_BYTES - 1)
  return Number.isSafeInteger(id) && id > 0 ? id : undefined
}

const ID_BYTES = 7
const SECRET_BYTES = 11
