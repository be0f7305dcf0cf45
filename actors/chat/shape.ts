import type { Reading, Turn } from '../../runtime/index.js'
import type { ChatId } from './chat-id.js'
import type { Chat } from './contract.js'
import type { Delivery } from './delivery.js'
import type { ChatFact } from './fact.js'
import type { ChatState } from './state.js'

export interface ChatShape {
  contract: Chat
  id: ChatId
  state: ChatState
  entry: ChatFact
  memory: Delivery
  /** The earliest scheduled message is due. */
  reminders: { due: undefined }
  timers: 'rest'
}

export type ChatTurn = Turn<ChatShape>
export type ChatReading = Reading<ChatShape>
