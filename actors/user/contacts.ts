import type { Placed } from '../../runtime/index.js'
import { refuse } from '../../runtime/index.js'
import type { BoxFact, ContactCard, NotifyScope, NotifySettings } from './changes.js'
import type { Contact, Relation } from './contract.js'
import { limits } from './limits.js'
import type { Written } from './pen.js'
import type { UserState } from './state.js'

type ContactFact = Extract<BoxFact, { type: 'contact' | 'blocked' | 'blockedBy' | 'notify' }>

export function foldContactFact(state: UserState, fact: ContactFact, at: Placed): void {
  switch (fact.type) {
    case 'contact':
      state.contacts = withKey(state.contacts, fact.user, fact.contact)
      return
    case 'blocked':
      state.blocked = withKey(state.blocked, fact.user, fact.blocked ? at.atMs : undefined)
      return
    case 'blockedBy': {
      const others = withKey(state.blockedBy, fact.user, undefined)
      state.blockedBy = withKey(others, fact.user, fact.blocked || undefined)
      const [oldest] = state.blockedBy?.keys() ?? []
      if (oldest !== undefined && (state.blockedBy?.size ?? 0) > limits.blockedBy) state.blockedBy?.delete(oldest)
      return
    }
    case 'notify':
      state.notify = withKey(state.notify, fact.scope, fact.settings)
  }
}

/** The map with the key set or (undefined) removed; none when that leaves it empty. */
export function withKey<K, V>(map: Map<K, V> | undefined, key: K, value: V | undefined): Map<K, V> | undefined {
  const changed = map ?? new Map<K, V>()
  if (value === undefined) changed.delete(key)
  else changed.set(key, value)
  return changed.size > 0 ? changed : undefined
}

export function contactsOf(state: UserState): Contact[] {
  return [...(state.contacts ?? [])].map(([user, card]) => ({ user, card }))
}

export function relationsOf(state: UserState, users: readonly number[]): Relation[] {
  return users.map((user) => {
    const contact = state.contacts?.get(user)
    const blocksMe = state.blockedBy?.has(user) ? { blocksMe: true as const } : undefined
    return { user, ...(contact && { contact }), blocked: state.blocked?.has(user) ?? false, ...blocksMe }
  })
}

/** Whether the user is a contact or has a private dialog with the account. */
export function isKnown(state: UserState, user: number): boolean {
  const dialog = state.dialogs?.get(`u${user}` as never)
  return (dialog?.w ?? 0) > 0 || (state.contacts?.has(user) ?? false)
}

export interface CardFor {
  readonly user: number
  readonly card: Omit<ContactCard, 'atMs'>
}

/** Those that change something. Refused with CONTACTS_TOO_MUCH beyond the limit. */
export function contactEntries(state: UserState, cards: readonly CardFor[], nowMs: number): Written[] {
  const latest = new Map(cards.map(({ user, card }) => [user, card]))
  const changed = [...latest].filter(([user, card]) => !sameCard(state.contacts?.get(user), card))
  const added = changed.filter(([user]) => !state.contacts?.has(user)).length
  if ((state.contacts?.size ?? 0) + added > limits.contacts) refuse('CONTACTS_TOO_MUCH')
  return changed.map(([user, { firstName, lastName, phone }]) => {
    const contact = { firstName, lastName, phone, atMs: state.contacts?.get(user)?.atMs ?? nowMs }
    return { entry: { type: 'contact', user, contact } }
  })
}

function sameCard(known: ContactCard | undefined, card: CardFor['card']): boolean {
  return known?.firstName === card.firstName && known.lastName === card.lastName && known.phone === card.phone
}

export function noContactEntries(state: UserState, users: readonly number[]): Written[] {
  const known = [...new Set(users)].filter((user) => state.contacts?.has(user))
  return known.map((user) => ({ entry: { type: 'contact', user } }))
}

export function blockedEntries(state: UserState, user: number, blocked: boolean): Written[] {
  if ((state.blocked?.has(user) ?? false) === blocked) return []
  if (blocked && (state.blocked?.size ?? 0) >= limits.blocked) refuse('BLOCKED_TOO_MUCH')
  return [{ entry: { type: 'blocked', user, blocked } }]
}

/** Newest first. */
export function blockedPage(
  state: UserState,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): { readonly total: number; readonly users: readonly { user: number; atMs: number }[] } {
  const users = [...(state.blocked ?? [])].map(([user, atMs]) => ({ user, atMs })).reverse()
  return { total: users.length, users: users.slice(offset, offset + limit) }
}

export function notifyEntries(state: UserState, scope: NotifyScope, settings: NotifySettings): Written[] {
  const isDefault = Object.values(settings).every((value) => value === undefined)
  if (isDefault && !state.notify?.has(scope)) return []
  const isNew = !state.notify?.has(scope)
  if (isNew && (state.notify?.size ?? 0) >= limits.notifySettings) refuse('SETTINGS_TOO_MUCH')
  return [{ entry: { type: 'notify', scope, ...(!isDefault && { settings }) } }]
}
