import type { ReactionCount, RecentReaction } from '../../../actors/user/changes.js'
import type { tl } from '../../tl/index.js'
import { presentUserPeer } from './peer.js'
import { seconds } from './time.js'

function presentReaction(emoticon: string): tl.RawReactionEmoji {
  return { _: 'reactionEmoji', emoticon }
}

/** TL `messagePeerReaction`. */
export function presentPeerReaction({ user, reaction, atMs }: RecentReaction, self: number): tl.RawMessagePeerReaction {
  return {
    _: 'messagePeerReaction',
    my: user === self,
    peerId: presentUserPeer(user),
    date: seconds(atMs),
    reaction: presentReaction(reaction),
  }
}

/** TL `messageReactions`; basic groups and private chats always say who reacted. */
export function presentReactions(
  counts: readonly ReactionCount[],
  recent: readonly RecentReaction[],
  self: number,
): tl.RawMessageReactions {
  return {
    _: 'messageReactions',
    canSeeList: true,
    results: counts.map(({ reaction, count, mine }) => ({
      _: 'reactionCount' as const,
      chosenOrder: mine ? 0 : undefined,
      reaction: presentReaction(reaction),
      count,
    })),
    recentReactions: recent.length === 0 ? undefined : recent.map((each) => presentPeerReaction(each, self)),
  }
}
