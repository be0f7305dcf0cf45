import type { ActorDefinition } from '../runtime/index.js'
import { authKeyActor } from './auth-key/actor.js'
import { chatActor } from './chat/actor.js'
import { idAllocatorActor } from './id-allocator/actor.js'
import { type LoginCodeOptions, loginCodeActor } from './login-code/actor.js'
import { phoneActor } from './phone/actor.js'
import { userActor } from './user/actor.js'
import { type UsernameRows, usernameActor } from './username/actor.js'

/** What actors need beyond the runtime. */
export interface ActorPorts {
  readonly chat: Parameters<typeof chatActor>[0]
  readonly loginCodes: LoginCodeOptions
  /** The search index of usernames: the storage port NameIndex. */
  readonly usernameRows: UsernameRows
}

/** All actors of this program, for the runtime. */
export function actorDefinitions({ chat, loginCodes, usernameRows }: ActorPorts) {
  const definitions = [
    chatActor(chat),
    userActor,
    usernameActor(usernameRows),
    phoneActor,
    loginCodeActor(loginCodes),
    authKeyActor,
    idAllocatorActor,
  ]
  // biome-ignore lint/suspicious/noExplicitAny: definitions of different shapes stand in one list
  return definitions as readonly ActorDefinition<any>[]
}

export { groupChat, privateChat } from './chat/chat-id.js'
export { Chat } from './chat/contract.js'
export type { CodeDelivery } from './login-code/contract.js'
export { encodeBody } from './message/body.js'
export { SERVICE_USER_ID, User } from './user/contract.js'
