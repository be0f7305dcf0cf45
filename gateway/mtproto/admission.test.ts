import { expect, test, vi } from 'vitest'
import { Admission } from './admission.js'
import { limitsWith } from './limits.js'
import type { ClientSession } from './test/client-session.js'
import { shakeHands } from './test/handshake-client.js'
import { Lab } from './test/lab.js'
import { startTestGateway } from './test/test-gateway.js'
import { tcpWire } from './test/wires.js'

const nearest = { _: 'help.getNearestDc' }
const ping = { _: 'mt_ping', pingId: '\x01\x02\x03\x04\x05\x06\x07\x08' }

/** The seconds of the FLOOD_WAITs that the client was answered. */
function waitsOf({ results }: ClientSession): number[] {
  return results.flatMap(({ value }) => {
    const [, seconds] =
      /^FLOOD_WAIT_(\d+)$/.exec((value as { errorMessage?: string } | undefined)?.errorMessage ?? '') ?? []
    return seconds === undefined ? [] : [Number(seconds)]
  })
}

test('AD2: a flood is refused over its share, and a device that asks now and then goes on', () => {
  const lab = new Lab({ callsUnderWay: 20, calls: 100 })
  const flooder = lab.client
  for (let i = 0; i < 60; i++) lab.call(nearest)
  expect(lab.ran.length).toBe(20)
  expect(waitsOf(flooder).length).toBe(40)

  lab.client = lab.newClient(lab.addKey())
  lab.connect()
  for (let i = 0; i < 5; i++) lab.call(nearest)
  expect(lab.ran.length).toBe(25)
  expect(waitsOf(lab.client)).toEqual([])
})

test('AD1: the wait rises with what the device has under way, up to ten seconds', () => {
  const waitWith = (callsUnderWay: number) => {
    const lab = new Lab({ callsUnderWay: 64, calls: 10_000 })
    for (let i = 0; i < callsUnderWay; i++) lab.call(nearest)
    // Others come, and the share of each gets smaller.
    for (let i = 0; i < 7; i++) {
      lab.client = lab.newClient(lab.addKey())
      lab.connect()
      lab.call(nearest)
    }
    lab.client = lab.newClient(lab.key)
    lab.call(nearest)
    return waitsOf(lab.client)
  }
  expect(waitWith(30)).toEqual([])
  const [wait] = waitWith(64)
  expect(wait).toBeGreaterThanOrEqual(8)
  expect(wait).toBeLessThanOrEqual(10)
})

test('AD2: more sessions of one device are no greater share', () => {
  const lab = new Lab({ callsUnderWay: 10, calls: 100 })
  for (let i = 0; i < 10; i++) lab.call(nearest)
  lab.client = lab.newClient(lab.key)
  lab.call(nearest)
  expect(waitsOf(lab.client).length).toBe(1)
})

test('AD1: pings are answered however many calls are refused', () => {
  const lab = new Lab({ callsUnderWay: 1, calls: 1, callsPerSession: 1 })
  for (let i = 0; i < 5; i++) lab.call(nearest)
  expect(waitsOf(lab.client).length).toBe(4)
  lab.call(ping)
  expect(lab.client.noticesOf('mt_pong').length).toBe(1)
})

test('AD2: at the bound for all, nobody is taken', () => {
  const lab = new Lab({ callsUnderWay: 1, calls: 2 })
  for (const key of [lab.key, lab.addKey(), lab.addKey()]) {
    lab.client = lab.newClient(key)
    lab.connect()
    lab.call(nearest)
  }
  expect(lab.ran.length).toBe(2)
  expect(waitsOf(lab.client)).toEqual([10])
})

test('AD3: while the event loop is late a growing part is refused, and less again when it is not', () => {
  const admission = new Admission(limitsWith({ loopLagMs: 100 }), () => false)
  const lab = new Lab()
  lab.call(nearest)
  const session = lab.sessions.get(lab.key, lab.client.sessionId)!
  const refused = () => {
    const refusals = Array.from({ length: 100 }, () => admission.refusal(session, session.link!))
    return refusals.flatMap((each) => (each ? [each.waitSeconds] : []))
  }
  admission.look(99)
  admission.look(101)
  admission.look(99)
  admission.look(101)
  expect(refused()).toEqual([])
  let before = 0
  for (let i = 1; i <= 9; i++) {
    admission.look(101)
    expect(refused().length).toBeGreaterThan(before)
    before = refused().length
  }
  for (let i = 0; i < 100; i++) admission.look(5000)
  expect(refused().length).toBeLessThan(100)
  expect(new Set(refused())).toEqual(new Set([10]))
  for (let i = 0; i < 30; i++) admission.look(0)
  expect(refused()).toEqual([])
})

test('AD3: many calls of which even the quickest is slow are load, one slow actor is not', () => {
  const admission = new Admission(limitsWith({ quickestCallMs: 1000 }), () => false)
  const lab = new Lab()
  lab.call(nearest)
  const session = lab.sessions.get(lab.key, lab.client.sessionId)!
  const answered = (...tookMs: number[]) => {
    for (const took of tookMs) {
      admission.begins(session)
      admission.ends(session, took)
    }
    admission.look(0)
    return admission.refusedPart
  }
  expect(answered(9000, 9000)).toBe(0)
  expect(answered(...new Array<number>(100).fill(9000), 2)).toBe(0)
  // What is answered from memory says nothing about the actors.
  for (const is of [0, 0.1]) expect(answered(...new Array<number>(100).fill(1001), 0)).toBe(is)
})

test('on real sockets: a flood is told to wait, while another client is answered each time', async () => {
  const held: (() => void)[] = []
  const gateway = await startTestGateway({
    limits: { callsUnderWay: 50, calls: 500, connectionsPerAddress: 10 },
    rpc: ({ method }) =>
      method._ === 'help.getNearestDc'
        ? new Promise((resolve) => held.push(() => resolve({ _: 'nearestDc', country: 'XX', thisDc: 2, nearestDc: 2 })))
        : true,
  })
  try {
    const wires = [tcpWire(gateway.tcp.port), tcpWire(gateway.tcp.port)] as const
    const flooder = await shakeHands(wires[0].exchange)
    const other = await shakeHands(wires[1].exchange)
    for (let i = 0; i < 300; i++) wires[0].send(flooder.packObject(nearest))
    await vi.waitUntil(() => gateway.counts.get('rpc_overloads') === 250)
    for (let i = 0; i < 20; i++) {
      const id = other.nextId()
      wires[1].send(other.packObject({ _: 'account.updateStatus', offline: false }, id))
      while (other.resultOf(id) === undefined) other.open(await wires[1].next())
      expect(other.resultOf(id)).toBe(true)
    }
    expect(held.length).toBe(50)
  } finally {
    for (const answer of held) answer()
    await gateway.close()
  }
})
