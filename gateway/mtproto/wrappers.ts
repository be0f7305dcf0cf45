import type { ClientInfo } from './auth-key-store.js'
import type { Long } from './long.js'
import type { TlObject } from './rpc.js'

const MAX_DEPTH = 12
const MAX_AFTER = 256
const MAX_TEXT_CHARACTERS = 128

/** A call out of its wrappers, and what they said. */
export interface Unwrapped {
  method: TlObject
  layer?: number
  client?: ClientInfo
  /** Messages of this session that must have been answered before. */
  after?: readonly Long[]
  withoutUpdates: boolean
  takeoutId?: Long
  messagesRange?: { readonly minId: number; readonly maxId: number }
}

type Wrapper = (wrapper: Readonly<Record<string, unknown>>, into: Unwrapped) => void

const wrappers: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  ['invokeWithLayer', (wrapper, into) => (into.layer ??= wrapper.layer as number)],
  ['initConnection', (wrapper, into) => (into.client ??= clientInfo(wrapper))],
  ['invokeWithoutUpdates', (_wrapper, into) => (into.withoutUpdates = true)],
  ['invokeWithTakeout', (wrapper, into) => (into.takeoutId ??= wrapper.takeoutId as Long)],
  ['invokeWithMessagesRange', (wrapper, into) => (into.messagesRange ??= messagesRange(wrapper.range as TlObject))],
  ['invokeAfterMsg', (wrapper, into) => (into.after = [...(into.after ?? []), wrapper.msgId as Long])],
  ['invokeAfterMsgs', (wrapper, into) => (into.after = [...(into.after ?? []), ...(wrapper.msgIds as Long[])])],
])

/**
 * Takes a call out of its wrappers, in whatever order they come; of a wrapper that comes twice the outer one counts.
 * Undefined if they nest beyond reason. @see https://core.telegram.org/api/invoking
 */
export function unwrap(received: TlObject): Unwrapped | undefined {
  const call: Unwrapped = { method: received, withoutUpdates: false }
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const wrapper = wrappers.get(call.method._)
    if (!wrapper) return call
    wrapper(call.method, call)
    if ((call.after?.length ?? 0) > MAX_AFTER) return undefined
    const inner = call.method.query
    if (!isTlObject(inner)) return undefined
    call.method = inner
  }
  return undefined
}

function isTlObject(value: unknown): value is TlObject {
  return typeof value === 'object' && value !== null && typeof (value as TlObject)._ === 'string'
}

function clientInfo(wrapper: Readonly<Record<string, unknown>>): ClientInfo {
  return {
    apiId: wrapper.apiId as number,
    deviceModel: text(wrapper.deviceModel),
    systemVersion: text(wrapper.systemVersion),
    appVersion: text(wrapper.appVersion),
    systemLangCode: text(wrapper.systemLangCode),
    langPack: text(wrapper.langPack),
    langCode: text(wrapper.langCode),
  }
}

/** It is stored with the key, so a stranger does not get to choose its length. */
function text(value: unknown): string {
  return String(value).slice(0, MAX_TEXT_CHARACTERS)
}

function messagesRange(range: TlObject) {
  return { minId: range.minId as number, maxId: range.maxId as number }
}
