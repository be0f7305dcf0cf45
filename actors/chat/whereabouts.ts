import { SERVICE_USER_ID } from '../user/contract.js'
import type { Whereabouts } from './contract.js'
import type { ChatReading } from './shape.js'
import { type ChatState, concerns, everyoneConcerned } from './state.js'

/** What an operator may know of an entry: who caused it and whose boxes have it, not what it says. */
export async function whereabouts(self: ChatReading, { n }: { readonly n: number }): Promise<Whereabouts | undefined> {
  if (!(Number.isSafeInteger(n) && n > 0)) return undefined
  const [entry] = await self.own.entriesAt([n])
  if (entry === undefined) return undefined
  const { atMs, fact } = entry
  const state = self.state as ChatState
  const concerned = everyoneConcerned(state).filter(
    (user) => user !== SERVICE_USER_ID && concerns(state, user, n, fact),
  )
  return { type: fact.type, by: fact.by, op: fact.op, atMs, concerned }
}
