/** Bounds of an account (invariant 7). Those with a Telegram error text refuse with it. */
export const limits = {
  /** Messages that one `deleted` fact names. */
  deletedAFact: 1_000,
  /** Messages that one delivery deletes; it answers with a lower w when more are left. */
  deletedADelivery: 10_000,
  /** Bodies of one delivery; the rest is to be sent again. */
  deliveredBytes: 4_194_304,
  /** Rows or entries that one read of the store asks for. */
  readPage: 500,
  /** Messages that one call of a search looks at. */
  searchedMessages: 20_000,
  /** How far an add_offset reaches in the lists of pinned messages and of unread mentions. */
  listedOffset: 20_000,
  /** Entries that are looked through for the first outcome of a delivery that is repeated. */
  repeatSearchEntries: 2_048,
  pinnedDialogs: 100,
  /** All are told in one answer. */
  drafts: 1_000,
  contacts: 10_000,
  blocked: 10_000,
  /** Those who block the account, the latest ones. */
  blockedBy: 10_000,
  notifySettings: 10_000,
  authorizations: 100,
  /** Logins offered to be carried over and not over yet; the oldest gives way. */
  transfers: 20,
  /** Gateways that hold sessions of one account. */
  attachments: 256,
  leaseMs: 600_000,
  /** Changes and bytes that `attach` replays; beyond it the sessions fetch the difference. */
  replayedChanges: 200,
  replayedBytes: 1_048_576,
  /** People told of a change of presence or profile: those with whom there was something last. */
  toldPartners: 500,
  /** How far ahead `online` reaches at most. */
  onlineMs: 600_000,
  seenEveryMs: 60_000,
  deviceActiveEveryMs: 3_600_000,
  deviceChangeEveryMs: 60_000,
  deliveredEveryMs: 60_000,
  /** Devices of a gateway that has let go are known for so long to have been there. */
  goneGatewayMs: 60_000,
  pageMessages: 100,
  pageDialogs: 100,
  differenceChanges: 1_000,
  /** Bytes of bodies and ids after which a slice of a difference ends where it may. */
  differenceBytes: 2_097_152,
  /** Entries, told or not, after which it does. */
  differenceScanned: 20_000,
  /** Changes without a number under one number. */
  underANumber: 1_000,
  /** How far a difference looks back, below a device's pts, for changes without a number: clients ask after so long a silence. */
  lookBackMs: 900_000,
  /** Entries that it looks at there, newest first, about. */
  lookBackEntries: 2_000,
} as const
