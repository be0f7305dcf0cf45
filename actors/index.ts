import type { ActorDefinition } from '../runtime/index.js'
import { authKeyActor } from './auth-key/actor.js'
import { AuthKey } from './auth-key/contract.js'
import { chatActor } from './chat/actor.js'
import { Chat } from './chat/contract.js'
import { idAllocatorActor } from './id-allocator/actor.js'
import { IdAllocator } from './id-allocator/contract.js'
import { type LoginCodeOptions, loginCodeActor } from './login-code/actor.js'
import { LoginCode } from './login-code/contract.js'
import { userActor } from './user/actor.js'
import { User } from './user/contract.js'
import type { PublicRecords } from './user/public-records.js'

/** What actors need beyond the runtime. */
export interface ActorPorts {
  readonly chat: Parameters<typeof chatActor>[0]
  readonly loginCodes: LoginCodeOptions
  /** What is known of accounts outside of their journals. */
  readonly records: PublicRecords
}

/** All actors of this program, for the runtime. */
export function actorDefinitions({ chat, loginCodes, records }: ActorPorts) {
  const definitions = [chatActor(chat), userActor(records), loginCodeActor(loginCodes), authKeyActor, idAllocatorActor]
  // biome-ignore lint/suspicious/noExplicitAny: definitions of different shapes stand in one list
  return definitions as readonly ActorDefinition<any>[]
}

/** The types of all of them, for who names one without calling it. */
export const actorTypes = [Chat, User, LoginCode, AuthKey, IdAllocator] as const

export { groupChat, privateChat } from './chat/chat-id.js'
export { Chat } from './chat/contract.js'
export type { CodeDelivery } from './login-code/contract.js'
export { encodeBody } from './message/body.js'
export { NameRegistry } from './name/registry.js'
export { SERVICE_USER_ID, User } from './user/contract.js'
