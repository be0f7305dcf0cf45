import { accountMethods } from './account/index.js'
import { authMethods } from './auth/index.js'
import { contactsMethods } from './contacts/index.js'
import { helpMethods } from './help/index.js'
import { langpackMethods } from './langpack/index.js'
import { messagesMethods } from './messages/index.js'
import type { Method } from './method.js'
import { updatesMethods } from './updates/index.js'
import { usersMethods } from './users/index.js'

/** Every method that is served, by namespace. */
const NAMESPACES: readonly (readonly Method[])[] = [
  accountMethods,
  authMethods,
  contactsMethods,
  helpMethods,
  langpackMethods,
  messagesMethods,
  updatesMethods,
  usersMethods,
]

/** The table of methods. Throws if one is declared twice. */
export function methodTable(): ReadonlyMap<string, Method> {
  const table = new Map<string, Method>()
  for (const method of NAMESPACES.flat()) {
    if (table.has(method.name)) throw new Error(`${method.name} is declared twice`)
    table.set(method.name, method)
  }
  return table
}
