/** 1,000 messages each way while the network goes away again and again: all there, in order, once, on both sides. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Cable, cable, waitUntil } from '../harness/index.js'
import type { Device } from './device.js'
import { type DeviceKind, eventsOf, stage } from './stage.js'

const MESSAGES = 1_000
const on = stage()
const cables: Cable[] = []

beforeAll(async () => {
  for (let made = 0; made < 4; made++) cables.push(await cable(on.server))
})
afterAll(async () => {
  for (const one of cables) await one.dispose()
})

const numbered = (who: string) => Array.from({ length: MESSAGES }, (_, at) => `${who} ${at + 1}`)

test.concurrent.each<[DeviceKind, DeviceKind, number]>([
  ['mtcute tcp', 'gramjs ws', 0],
  ['mtcute ws', 'gramjs tcp', 2],
])(
  '%s and %s',
  async (kindOfAlice, kindOfBob, at) => {
    const [hers, his] = [cables[at]!, cables[at + 1]!]
    const alice = await on.device(kindOfAlice, { target: hers })
    const bob = await on.device(kindOfBob, { target: his })
    const [aliceName, bobName] = [`alice_${alice.phone}`, `bobby_${bob.phone}`]
    await alice.setUsername(aliceName)
    await bob.setUsername(bobName)

    await Promise.all([
      sendAll(alice, bobName, numbered('a'), (sent) => {
        if (sent % 400 === 100) hers.cut()
        if (sent % 400 === 300) unplugged(hers)
      }),
      sendAll(bob, aliceName, numbered('b'), (sent) => {
        if (sent % 200 === 50) his.cut()
        if (sent % 400 === 350) unplugged(his)
      }),
    ])

    // Pushed, or fetched as a difference by the library itself: every one, in order, once.
    const heardByAlice = () => eventsOf(alice, 'message').map(({ message }) => message.text)
    await waitUntil('Alice is told of the last', () => heardByAlice().includes(`b ${MESSAGES}`), 30_000)
    expect(heardByAlice()).toEqual(numbered('b'))

    // GramJS fetches no differences: what it hears is in order and never twice, and what it missed is in the history.
    const heardByBob = eventsOf(bob, 'message').map(({ message }) => Number(message.text.slice(2)))
    expect(heardByBob).toEqual([...new Set(heardByBob)].sort((one, other) => one - other))

    const [seenByAlice, seenByBob] = [await textsOf(alice, bobName), await textsOf(bob, aliceName)]
    expect(seenByAlice).toHaveLength(2 * MESSAGES)
    expect(seenByAlice.filter((text) => text.startsWith('a'))).toEqual(numbered('a'))
    expect(seenByAlice.filter((text) => text.startsWith('b'))).toEqual(numbered('b'))
    expect(seenByBob).toEqual(seenByAlice)
  },
  600_000, // one after the other, 1,000 take minutes on a machine that is busy with other things
)

async function sendAll(device: Device, to: string, texts: readonly string[], sent: (count: number) => void) {
  for (const [at, text] of texts.entries()) {
    const sending = device.send(to, text)
    sent(at + 1) // while the call is under way
    await sending
  }
}

/** Until the client has been refused once or the connections are gone for a while: nothing comes through meanwhile. */
function unplugged(wire: Cable): void {
  wire.unplug()
  setTimeout(() => wire.mend(), 300)
}

/** Oldest first. */
async function textsOf(device: Device, peer: string): Promise<readonly string[]> {
  return (await device.history(peer, 3 * MESSAGES)).map(({ text }) => text).reverse()
}
