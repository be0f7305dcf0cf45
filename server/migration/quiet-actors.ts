import { actorDefinitions } from '../../actors/index.js'
import { type ActorDefinition, ActorError, type Clock, type Random } from '../../runtime/index.js'

// biome-ignore lint/suspicious/noExplicitAny: definitions of different shapes stand in one list
type AnyDefinition = ActorDefinition<any>

/**
 * The program's actors as they are, but that they do nothing unasked: what they owe to others stays owed. For reading them
 * where nothing may change.
 */
export function quietActors(clock: Clock, random: Random): readonly AnyDefinition[] {
  const refused = () => Promise.reject(new ActorError('STORE_UNAVAILABLE', 'Accounts are only read here.'))
  const definitions = actorDefinitions({
    chat: { clock, random },
    records: {
      directory: { confirm: refused, release: refused },
      names: { put: refused, remove: refused },
      accounts: { put: refused },
    },
    loginCodes: { delivery: { deliver: refused }, names: { owner: refused }, random, testNumbers: false },
  })
  return definitions.map(({ delivery: _, timers: __, ...definition }) => definition)
}
