import type { Method } from '../method.js'
import { block, getBlocked, unblock } from './blocks.js'
import { addContact, deleteContacts, getContacts, getStatuses, importContacts } from './list.js'
import { resolvePhone, resolveUsername, search } from './lookup.js'

export const contactsMethods: readonly Method[] = [
  getContacts,
  getStatuses,
  importContacts,
  addContact,
  deleteContacts,
  resolveUsername,
  resolvePhone,
  search,
  block,
  unblock,
  getBlocked,
]
