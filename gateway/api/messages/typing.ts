import type { LiveNews } from '../../../actors/user/contract.js'
import { User } from '../../../actors/user/contract.js'
import type { tl } from '../../tl/index.js'
import { method } from '../method.js'
import { placeOf } from './place.js'

/** What is told of an action: its name, and a progress where it has one. */
function typingName(action: tl.TypeSendMessageAction): string | undefined {
  if (!TOLD.has(action._)) return undefined
  return 'progress' in action ? `${action._} ${clamped(action.progress)}` : action._
}

function clamped(progress: number): number {
  return Number.isInteger(progress) ? Math.max(0, Math.min(100, progress)) : 0
}

/** The inverse of `typingName`, for whoever is told. */
export function presentTyping(name: string): tl.TypeSendMessageAction {
  const [action, progress] = name.split(' ')
  if (!action || !TOLD.has(action)) return { _: 'sendMessageTypingAction' }
  // TOLD holds only actions whose sole field, if any, is a progress.
  const known = { _: action } as { _: 'sendMessageUploadVideoAction'; progress: number }
  return { ...known, ...(progress !== undefined && { progress: Number(progress) }) }
}

/** Actions that carry nothing, or a progress alone. */
const TOLD: ReadonlySet<string> = new Set([
  'sendMessageTypingAction',
  'sendMessageCancelAction',
  'sendMessageRecordVideoAction',
  'sendMessageUploadVideoAction',
  'sendMessageRecordAudioAction',
  'sendMessageUploadAudioAction',
  'sendMessageUploadPhotoAction',
  'sendMessageUploadDocumentAction',
  'sendMessageGeoLocationAction',
  'sendMessageChooseContactAction',
  'sendMessageGamePlayAction',
  'sendMessageRecordRoundAction',
  'sendMessageUploadRoundAction',
  'sendMessageChooseStickerAction',
])

export const setTyping = method(
  'messages.setTyping',
  { auth: 'user', unserved: { topMsgId: 'TOPIC_ID_INVALID' } },
  async (request, call) => {
    const { chat, peer } = await placeOf(call, request.peer)
    const action = typingName(request.action)
    if (action === undefined || (peer.kind === 'user' && peer.id === call.self)) return true
    const news: LiveNews = { type: 'typing', chat, by: call.self, action }
    const { actors, log } = call.services
    for (const user of await call.chat(chat).audience({ by: call.self })) {
      if (user === call.self) continue
      // Nobody waits: typing is told to those who are awake, or to nobody.
      actors
        .ref(User, user, { deadlineMs: call.deadlineMs, traceId: call.traceId, ifActive: true })
        .hear(news)
        .catch((error: unknown) => log.debug({ err: error, traceId: call.traceId }, 'typing was not told'))
    }
    return true
  },
)
