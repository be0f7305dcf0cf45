import type { Method } from './method.js'
import { updatesMethods } from './updates/index.js'

/** Every method that is served, by namespace. */
const NAMESPACES: readonly (readonly Method[])[] = [updatesMethods]

/** The table of methods. Throws if one is declared twice. */
export function methodTable(): ReadonlyMap<string, Method> {
  const table = new Map<string, Method>()
  for (const method of NAMESPACES.flat()) {
    if (table.has(method.name)) throw new Error(`${method.name} is declared twice`)
    table.set(method.name, method)
  }
  return table
}
