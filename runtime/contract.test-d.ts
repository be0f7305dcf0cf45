/** What must not compile does not: checked by the type checker, never run. */
import {
  type ActorSystem,
  actorType,
  type Effect,
  implement,
  type Later,
  numberKey,
  type Reading,
  type Turn,
} from './index.js'

interface Draft {
  readonly text: string
}
interface Chat {
  post(draft: Draft): Promise<number>
  history(limit: number): Promise<readonly string[]>
}
const Chat = actorType<Chat, number>('chat', { methods: { post: 'turn', history: 'read' }, ...numberKey })

interface ChatShape {
  contract: Chat
  id: number
  state: { messages: string[] }
  entry: { type: 'message'; text: string }
  memory: { seen: number }
  reminders: { expire: { readonly days: number }; wake: undefined }
  timers: 'tick'
}

declare const system: ActorSystem
declare const turn: Turn<ChatShape>
declare const reading: Reading<ChatShape>
declare const effect: Effect

export async function references(): Promise<void> {
  const posted: number = await system.ref(Chat, 1).post({ text: 'a' })
  const messages: readonly string[] = await turn.ref(Chat, posted).history(10)
  await effect.ref(Chat, messages.length, { ifActive: true }).history(1)
  // @ts-expect-error an id of the wrong type
  system.ref(Chat, 'one')
  // @ts-expect-error no such method
  system.ref(Chat, 1).delete(1)
  // @ts-expect-error an argument of the wrong type
  await system.ref(Chat, 1).post({ text: 1 })
  // @ts-expect-error an argument is missing
  await system.ref(Chat, 1).history()
  // @ts-expect-error the answer is no string
  const wrong: string = await system.ref(Chat, 1).post({ text: 'a' })
  // @ts-expect-error no such option
  system.ref(Chat, 1, { timeout: 5 })
  void wrong
}

export const types = [
  // @ts-expect-error a method without its mode
  actorType<Chat, number>('chat', { methods: { post: 'turn' }, ...numberKey }),
  // @ts-expect-error a mode of a method that the contract lacks
  actorType<Chat, number>('chat', { methods: { post: 'turn', history: 'read', drop: 'turn' }, ...numberKey }),
  // @ts-expect-error a mode that does not exist
  actorType<Chat, number>('chat', { methods: { post: 'turn', history: 'write' }, ...numberKey }),
  // @ts-expect-error keys of another id
  actorType<Chat, string>('chat', { methods: { post: 'turn', history: 'read' }, ...numberKey }),
]

export async function turns(): Promise<void> {
  turn.append({ type: 'message', text: 'a' })
  // @ts-expect-error not an entry of this actor
  turn.append({ type: 'joined' })
  // @ts-expect-error the state changes through entries only
  turn.state = { messages: [] }
  // @ts-expect-error a read has nothing to append with
  reading.append({ type: 'message', text: 'a' })
  // @ts-expect-error an effect has nothing to append with
  effect.append({ type: 'message', text: 'a' })
  turn.remind('expire', 1, { days: 1 })
  turn.remind('wake', 1)
  turn.setTimer('tick', 1)
  // @ts-expect-error no such reminder
  turn.remind('expires', 1)
  // @ts-expect-error a reminder without its payload
  turn.remind('expire', 1)
  // @ts-expect-error a payload of the wrong type
  turn.remind('expire', 1, { days: 'one' })
  // @ts-expect-error no such reminder
  turn.cancelReminder('expires')
  // @ts-expect-error no such timer
  turn.setTimer('tock', 1)
  const entries = await turn.own.entries({ pts: 0, ordinal: 0 }, 10)
  const text: string | undefined = entries[0]?.fact.text
  // @ts-expect-error the fact has no such field
  void entries[0]?.fact.author
  void text
}

const state = { version: 1, initial: () => ({ messages: [] }), apply: (now: ChatShape['state']) => now }

export const complete = implement<ChatShape>({
  type: Chat,
  state,
  methods: {
    post: (self, draft): Later<number> => self.later(async () => draft.text.length),
    history: async (self, limit) => self.state.messages.slice(-limit),
  },
  reminders: { expire: (self, { days }) => void [self.state.messages, days], wake: () => undefined },
  timers: { tick: (self) => void self.memory.seen },
})

export const incomplete = [
  implement<ChatShape>({
    type: Chat,
    state,
    // @ts-expect-error a method is missing
    methods: { post: () => 1 },
  }),
  implement<ChatShape>({
    type: Chat,
    state,
    methods: {
      // @ts-expect-error an answer of the wrong type
      post: () => 'one',
      history: () => [],
    },
  }),
  implement<ChatShape>({
    type: Chat,
    state,
    methods: { post: () => 1, history: () => [] },
    // @ts-expect-error a reminder is missing
    reminders: { wake: () => undefined },
  }),
  implement<ChatShape>({
    type: Chat,
    state,
    methods: { post: () => 1, history: () => [] },
    timers: {
      tick: () => undefined,
      // @ts-expect-error a timer that the shape lacks
      tock: () => undefined,
    },
  }),
]
