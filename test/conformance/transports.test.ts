/** The ways to the server: each library's transports, perfect forward secrecy, and MTProto over HTTP. */
import {
  IntermediatePacketCodec,
  type IPacketCodec,
  ObfuscatedPacketCodec,
  PaddedIntermediatePacketCodec,
} from '@mtcute/core'
import { MemoryStorage, TcpTransport } from '@mtcute/node'
import { beforeAll, describe, expect, test } from 'vitest'
import { cable, RawClient, randomId, type TlObject, waitUntil } from '../harness/index.js'
import type { Device } from './device.js'
import { gramjsDevice } from './gramjs-device.js'
import { mtcuteDevice } from './mtcute-device.js'
import { stage, told } from './stage.js'

const on = stage()
let bob: Device
let toBob: string

beforeAll(async () => {
  bob = await on.mtcute()
  toBob = `bobby_${bob.phone}`
  await bob.setUsername(toBob)
})

/** Both directions, and the message after a while of silence. */
async function converses(device: Device): Promise<void> {
  const name = `n${device.phone}`
  await device.setUsername(name)
  await device.send(toBob, `from ${name}`)
  await told(bob, 'message', ({ message }) => message.text === `from ${name}` && message.from === device.self)
  await bob.send(name, `to ${name}`)
  await told(device, 'message', ({ message }) => message.text === `to ${name}`)
}

describe('mtcute over TCP', () => {
  test.each<[string, () => IPacketCodec]>([
    ['intermediate', () => new IntermediatePacketCodec()],
    ['padded', () => new PaddedIntermediatePacketCodec()],
    ['obfuscated', () => new ObfuscatedPacketCodec(new IntermediatePacketCodec())],
    ['obfuscated and padded', () => new ObfuscatedPacketCodec(new PaddedIntermediatePacketCodec())],
  ])('%s', async (_, codec) => {
    const transport = new TcpTransport()
    transport.packetCodec = codec as typeof transport.packetCodec
    await converses(on.keep(await mtcuteDevice(on.server, { phone: on.newPhone(), client: { transport } })))
  })
})

describe('GramJS over TCP', () => {
  test.each(['full', 'abridged', 'obfuscated'] as const)('%s', async (framing) => {
    await converses(on.keep(await gramjsDevice(on.server, { phone: on.newPhone(), framing })))
  })
})

describe('perfect forward secrecy', () => {
  test.each(['tcp', 'ws'] as const)('over %s: logs in, talks, loses its connection, comes back', async (transport) => {
    const wire = on.keep(endable(await cable(on.server)))
    const storage = new MemoryStorage()
    const given = { phone: on.newPhone(), transport, storage, client: { network: { usePfs: true } } }
    const alice = on.keep(await mtcuteDevice(wire, given))
    await converses(alice)
    wire.cut()
    await alice.send(toBob, 'after the cut')
    await told(bob, 'message', ({ message }) => message.text === 'after the cut' && message.from === alice.self)
    await alice.client.disconnect()
    const again = on.keep(await mtcuteDevice(wire, given))
    expect(again.self).toBe(alice.self)
    await bob.send(`n${alice.phone}`, 'you are back')
    await told(again, 'message', ({ message }) => message.text === 'you are back')
  })
})

test('MTProto over HTTP: logs in, sends, and is told while it waits', async () => {
  const raw = on.keep(await RawClient.connect(on.server, { layer: 228, transport: 'http' }))
  const phone = on.newPhone()
  const self = await raw.logIn(phone)
  await raw.call({ _: 'account.updateUsername', username: `http_${phone}` })
  const resolved = (await raw.call({ _: 'contacts.resolveUsername', username: toBob })) as { users: TlObject[] }
  const accessHash = resolved.users.find(({ id }) => id === bob.self)?.accessHash
  const peer = { _: 'inputPeerUser', userId: bob.self, accessHash }
  await raw.call({ _: 'messages.sendMessage', peer, message: 'by mail', randomId: randomId() })
  await told(bob, 'message', ({ message }) => message.text === 'by mail' && message.from === self)

  raw.wait(10_000)
  await bob.send(`http_${phone}`, 'answered')
  await raw.told('updateNewMessage', (update) => (update.message as TlObject).message === 'answered')
  // What was said while nobody waited comes with the next wait.
  await bob.send(`http_${phone}`, 'and again')
  await waitUntil('it is in the history', async () => (await bob.history(`http_${phone}`))[0]?.text === 'and again')
  raw.wait(10_000)
  await raw.told('updateNewMessage', (update) => (update.message as TlObject).message === 'and again')
})

function endable<T extends { dispose(): Promise<void> }>(wire: T): T & { end(): Promise<void> } {
  return Object.assign(wire, { end: () => wire.dispose() })
}
