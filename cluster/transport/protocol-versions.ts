/**
 * The versions of the nodes' protocol that this program speaks. `newest` is this minor version's own and `oldest` the
 * previous one's, so that a cluster may be upgraded node by node, one minor version at a time. Each minor version raises
 * both by one, whether or not it says anything new (docs/architecture.md, "Versions").
 *
 * `scripts/previous.mjs` reads the two numbers from this line and writes lower ones.
 */
export const PROTOCOL_VERSIONS = { oldest: 1, newest: 2 } as const

/** From this version on a node says with each answer how long the call took where it ran. */
export const TIMED_ANSWERS = 2

/** From this version on batches are laid out by hand (packed-batches.ts); before it they are msgpackr lists. */
export const PACKED_BATCHES = 2
