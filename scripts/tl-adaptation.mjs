// How an object in today's shape is written for clients of older layers: the whole of it.
//
// A1. Fields that the older constructor does not have are dropped.
// A2. What an older constructor requires under a name that the newest does not have is taken from where it is now.
// A3. A field that the older constructor requires, and that the newest of the same name lacks or has as optional, is
//     written as its type's neutral value when the object does not carry it.
// A4. A field or result whose type changed is converted from the newer type, where the older one can say the same.
// A5. A constructor that the layer does not have stands for itself: callers ask `hasConstructor` and choose. Only the
//     stand-ins below, which Telegram itself has for what a client is too old for, are put in their place.

/** A2: by constructor, field and older type, as an expression of the object `o`; undefined when it cannot be said. */
export const DERIVED_FIELDS = {
  'inputReplyToStory.user_id:InputUser':
    "o.peer?._ === 'inputPeerUser' ? { ...o.peer, _: 'inputUser' } : o.peer && { _: 'inputUserEmpty' }",
  'messageActionGiftCode.months:int': 'o.days === undefined ? undefined : Math.round(o.days / 30)',
  'messageActionGiftPremium.months:int': 'o.days === undefined ? undefined : Math.round(o.days / 30)',
  'messageActionRequestedPeer.peer:Peer': 'o.peers?.[0]',
  'messageActionSetChatTheme.emoticon:string': 'o.theme?.emoticon',
  'messageReplyStoryHeader.user_id:int53': 'o.peer?.userId',
  'payments.checkedGiftCode.months:int': 'o.days === undefined ? undefined : Math.round(o.days / 30)',
  'starsTransaction.stars:StarsAmount': 'o.amount',
  'starsTransaction.stars:long': 'o.amount?.amount',
  'updateGroupCall.chat_id:int53': 'o.peer?.chatId ?? o.peer?.channelId',
}

/** A3: neutral values, as expressions. Types that are not here have none, and a missing field is an error. */
export const NEUTRAL_VALUES = {
  int: '0',
  int53: '0',
  long: "'\\0\\0\\0\\0\\0\\0\\0\\0'",
  double: '0',
  string: "''",
  bytes: 'new Uint8Array(0)',
  Bool: 'false',
  vector: '[]',
}

/** A4: field conversions by newer and older type, as functions; what is already of the older type passes through. */
export const FIELD_CONVERSIONS = {
  'TextWithEntities>string': '(v) => (typeof v === "string" ? v : v.text)',
  'RecentStory>int': '(v) => (typeof v === "number" ? v : (v.maxId ?? 0))',
  'StarsAmount>long': '(v) => (typeof v === "string" ? v : v.amount)',
  'Peer>int53': '(v) => (typeof v === "number" ? v : (v.userId ?? v.chatId ?? v.channelId))',
  'PeerColor>int': '(v) => (typeof v === "number" ? v : (v.color ?? 0))',
  'PaidReactionPrivacy>Bool': '(v) => (typeof v === "boolean" ? v : v._ !== "paidReactionPrivacyDefault")',
  'Vector<MessageExtendedMedia>>MessageExtendedMedia': '(v) => (Array.isArray(v) ? v[0] : v)',
}

/** A4: result conversions by newer and older type. */
export const RESULT_CONVERSIONS = {
  'messages.InvitedUsers>Updates': '(v) => (v._ === "messages.invitedUsers" ? v.updates : v)',
  'messages.ChatInviteJoinResult>Updates': '(v) => (v._ === "messages.chatInviteJoinResultOk" ? v.updates : v)',
  'messages.DialogFilters>Vector<DialogFilter>': '(v) => (Array.isArray(v) ? v : v.filters)',
  'messages.WebPagePreview>MessageMedia': '(v) => (v._ === "messages.webPagePreview" ? v.media : v)',
  'ReportResult>Bool': '(v) => (typeof v === "boolean" ? v : true)',
  'stories.CanSendStoryCount>Bool': '(v) => (typeof v === "boolean" ? v : v.countRemains > 0)',
  'Vector<RecentStory>>Vector<int>': '(v) => v.map((s) => (typeof s === "number" ? s : (s.maxId ?? 0)))',
}

/** A5: what stands in for a constructor of the type that a layer does not have, as a function of the newer object. */
export const STAND_INS = {
  MessageMedia: "() => ({ _: 'messageMediaUnsupported' })",
  MessageAction: "() => ({ _: 'messageActionEmpty' })",
  MessageEntity: "(v) => ({ _: 'messageEntityUnknown', offset: v.offset, length: v.length })",
  PageBlock: "() => ({ _: 'pageBlockUnsupported' })",
}
