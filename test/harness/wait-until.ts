import { setTimeout as pause } from 'node:timers/promises'

const firstPauseMs = 5
const longestPauseMs = 100

/**
 * Waits until `condition` gives something truthy, and gives that back. It is asked again at growing intervals; what it
 * throws counts as "not yet".
 *
 * @param what said in the error when it does not come true in time: "the server listens"
 * @throws Error naming `what`, after `withinMs` (20 s unless told)
 */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  withinMs = 20_000,
): Promise<NonNullable<T>> {
  const caller = new Error(`Not within ${withinMs} ms: ${what}`)
  const giveUpAt = performance.now() + withinMs
  let pauseMs = firstPauseMs
  for (;;) {
    try {
      const answer = await condition()
      if (answer) return answer
    } catch (error) {
      caller.cause = error
    }
    if (performance.now() > giveUpAt) throw caller
    await pause(pauseMs)
    pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)
  }
}
