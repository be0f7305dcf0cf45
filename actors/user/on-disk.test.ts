/** The box on the embedded store as it is, for its rows, erasures and snapshots: what the model stores might hide. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Device, refetch } from './testing/mirror.js'
import { accountOnDisk } from './testing/on-disk.js'
import { ME, ORIGIN, text, World } from './testing/world.js'

test('a box of a thousand messages is the same after it was written', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-box-'))
  try {
    const world = new World()
    const first = await accountOnDisk(directory, 'cross')
    const device = new Device()
    for (let round = 0; round < 50; round++) {
      for (const chat of world.chats.slice(0, 4)) {
        const contents = Array.from({ length: 5 }, (_, index) => {
          const mark = index === 2 ? ' to be deleted' : ''
          return { type: 'message', from: chat.peer.id === ME ? ME : 7, body: text(`${round}${mark}`) } as const
        })
        const written = chat.write(contents, Date.now())
        chat.write([{ type: 'delete', targets: [written[2]?.n ?? 0] }], Date.now())
        if (round === 30) chat.write([{ type: 'readInbox', upTo: written[0]?.n ?? 0 }], Date.now())
        await chat.deliver(first.user, 0)
      }
      if (round % 20 === 0) await device.catchUp(first.user, 7)
    }
    await first.user.saveDraft({ peer: world.chat(1).peer, body: text('not sent yet'), origin: ORIGIN })
    const before = (await refetch(first.user, 100)).shown()
    await first.stop()
    const second = await accountOnDisk(directory, 'cross')
    expect((await refetch(second.user, 100)).shown()).toEqual(before)
    await device.catchUp(second.user, 1_000)
    expect(device.shown()).toEqual(before)
    await second.stop()
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}, 60_000)
