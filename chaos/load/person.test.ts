import { setTimeout as pause } from 'node:timers/promises'
import bigInt from 'big-integer'
import { Api } from 'telegram'
import { expect, onTestFinished, test } from 'vitest'
import { cable, gramjsClient, startServer, testPhone } from '../../test/harness/index.js'
import { gramjsPerson } from './person.js'

const betweenMs = 250

async function wired() {
  const server = await startServer()
  onTestFinished(() => server.dispose())
  const wire = await cable(server)
  onTestFinished(() => wire.dispose())
  return wire
}

/** Cuts the wire, then has six messages sent, one after the other, while the library connects again. */
async function sent(cut: () => void, send: (nth: number) => Promise<unknown>, withinMs: number): Promise<number[]> {
  cut()
  const answered: number[] = []
  for (let nth = 1; nth <= 6; nth++) {
    send(nth).then(
      () => answered.push(nth),
      () => undefined,
    )
    await pause(betweenMs)
  }
  await pause(withinMs)
  return answered.sort()
}

test('a person with GramJS, whose connection is lost, has all answered that is said meanwhile', async () => {
  const wire = await wired()
  const person = await gramjsPerson({ name: 'dora', account: 1, target: wire })
  onTestFinished(() => person.leave())
  const answered = await sent(wire.cut, (nth) => person.message('me', `${nth}`)(), 8_000)
  expect(answered).toEqual([1, 2, 3, 4, 5, 6])
}, 60_000)

test('the library by itself loses some of it before they leave: without this, nobody needs to wait any more', async () => {
  const wire = await wired()
  const client = await gramjsClient(wire, { phone: testPhone(1) })
  onTestFinished(() => client.destroy())
  const say = (nth: number) =>
    client.invoke(new Api.messages.SendMessage({ peer: 'me', message: `${nth}`, randomId: bigInt(nth) }))
  const answered = await sent(wire.cut, say, 8_000)
  expect(answered).toContain(1)
  expect(answered.length).toBeLessThan(6)
}, 60_000)
