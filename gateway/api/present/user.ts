import type { Presence, Relation, UserProfile } from '../../../actors/user/contract.js'
import { SERVICE_USER_ID } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import type { Long } from '../long.js'

export interface UserView {
  readonly id: number
  /** Who looks. */
  readonly self: number
  readonly accessHash: Long
  /** Undefined for one that was never registered. */
  readonly profile: UserProfile | undefined
  readonly relation: Relation
  /** The user has the viewer among the contacts, too. */
  readonly mutual: boolean
  readonly nowMs: number
}

/** TL `user`: always complete, never `min`. Phone numbers are shown to oneself and to those who wrote them down. */
export function presentUser({ id, self, accessHash, profile, relation, mutual, nowMs }: UserView): tl.RawUser {
  if (!profile || profile.closed) return { _: 'user', id, accessHash, deleted: true, self: id === self }
  const { contact } = relation
  const phone = id === self || id === SERVICE_USER_ID ? profile.phone : contact?.phone
  return {
    _: 'user',
    id,
    accessHash,
    self: id === self,
    contact: contact !== undefined,
    mutualContact: contact !== undefined && mutual,
    verified: id === SERVICE_USER_ID,
    support: id === SERVICE_USER_ID,
    firstName: contact?.firstName || contact?.lastName ? contact.firstName : profile.firstName,
    lastName: optional(contact?.firstName || contact?.lastName ? contact.lastName : profile.lastName),
    username: optional(profile.username),
    phone: optional(phone),
    status: presentStatus(relation.blocksMe ? HIDDEN_PRESENCE : profile.presence, nowMs),
  }
}

/** What one who is blocked sees: clients show it as a long time ago. */
export const HIDDEN_PRESENCE: Presence = { kind: 'empty', atMs: 0 }

export function presentStatus({ kind, atMs }: Presence, nowMs: number): tl.TypeUserStatus {
  const at = Math.floor(atMs / 1000)
  if (kind === 'online' && atMs > nowMs) return { _: 'userStatusOnline', expires: at }
  return kind === 'empty' ? { _: 'userStatusEmpty' } : { _: 'userStatusOffline', wasOnline: at }
}

/** TL leaves a flag out for undefined; an empty string would be sent as one. */
export function optional(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
