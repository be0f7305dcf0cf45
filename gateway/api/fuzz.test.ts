import { expect, test } from 'vitest'
import { groupChat } from '../../actors/chat/chat-id.js'
import { Chat } from '../../actors/chat/contract.js'
import { encodeBody } from '../../actors/message/body.js'
import { User } from '../../actors/user/contract.js'
import type { RpcError } from '../mtproto/index.js'
import { refused } from '../testing/fake-system.js'
import { ApiRig } from '../testing/rig.js'
import { boxMessage, GROUP, group, groupInfo, messageFact, SELF } from '../testing/samples.js'
import { type tl, writeResult } from '../tl/index.js'
import { ours, RandomObjects } from '../tl/test/random-objects.js'
import { readHistory } from '../tl/test/shapes.js'
import { methodTable } from './registry.js'

const SEEDS = 40
const shapes = readHistory()
const objects = new RandomObjects(shapes, ours)
const served = shapes.filter(({ isMethod, name }) => isMethod && methodTable().has(name as tl.MethodName))

/** Every hash opens, every id is there and in one group, and the rest is refused: so that handlers are run through. */
function openRig(layer: number): ApiRig {
  const api = new ApiRig({ userId: SELF, layer })
  api.hashes.opensUser = () => true
  api.system.missing = () => refused('FUZZED')
  const fact = messageFact({ peer: group, chat: groupChat(GROUP) })
  api.system
    .stub(User, () => ({
      messages: (ids) => ids.map((id) => boxMessage(id, { fact, body: encodeBody({ text: 'x' }) })),
      locate: (ids) =>
        ids.map((id) => ({ id, chat: groupChat(GROUP), peer: group, n: 1, from: SELF, out: true, atMs: 0 })),
      locateUpTo: () => undefined,
      history: () => ({ messages: [boxMessage(1, { fact })], total: 5 }),
      search: () => ({ messages: [], total: 0 }),
      dialogs: () => ({ dialogs: [], messages: [], total: 0, pts: 0 }),
      notifySettings: () => ({}),
      contacts: () => [],
    }))
    .stub(Chat, () => ({ group: () => groupInfo, audience: () => [SELF, 5] }))
  return api
}

/** Groups are one group, so that what follows the peer's check is reached. */
function inOneGroup(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(inOneGroup)
  const fields = Object.entries(value).map(([key, each]) => [key, key === 'chatId' ? GROUP : inOneGroup(each)])
  return Object.fromEntries(fields)
}

test('whatever a client sends to a served method, of any layer: an answer that its layer can say, or an error text', async () => {
  let answers = 0
  for (const shape of served) {
    const layer = Number(shape.layers.split(/[ -]/)[0])
    const api = openRig(layer)
    for (let seed = 0; seed < SEEDS; seed++) {
      const request = inOneGroup(objects.object(shape, seed)) as tl.RpcMethod
      const answer = await api.call(request).catch((error: unknown) => {
        throw new Error(`${shape.name} seed ${seed}`, { cause: error })
      })
      if (answer instanceof Error) {
        expect((answer as RpcError).message).toMatch(/^[A-Z0-9_]+$/)
        continue
      }
      answers++
      writeResult(layer, shape.name as tl.MethodName, answer as never)
    }
  }
  expect(answers).toBeGreaterThan(served.length)
})
