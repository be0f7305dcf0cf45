import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Long } from './long.js'
import { bodyOf } from './test/client-session.js'
import { Lab } from './test/lab.js'

/**
 * What a client and a network may do, in any order. Numbers pick one of what there is at that moment.
 */
type Step =
  | { readonly do: 'call' | 'cut' | 'read' | 'ack' | 'push' | 'wait' }
  | { readonly do: 'repeat' | 'answer' | 'container'; readonly pick: number }

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Step>({ do: 'call' }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'cut' }) },
    { weight: 4, arbitrary: fc.constant<Step>({ do: 'read' }) },
    { weight: 2, arbitrary: fc.constant<Step>({ do: 'ack' }) },
    { weight: 3, arbitrary: fc.constant<Step>({ do: 'push' }) },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'wait' }) },
    { weight: 3, arbitrary: fc.nat(1000).map((pick): Step => ({ do: 'repeat', pick })) },
    { weight: 5, arbitrary: fc.nat(1000).map((pick): Step => ({ do: 'answer', pick })) },
    { weight: 2, arbitrary: fc.nat(1000).map((pick): Step => ({ do: 'container', pick })) },
  ),
  { maxLength: 60 },
)

const draft = (message: number) =>
  bodyOf({ _: 'messages.saveDraft', peer: { _: 'inputPeerSelf' }, message: String(message) })
const update = (date: number) => bodyOf({ _: 'updateShort', update: { _: 'updateConfig' }, date })

class Conversation {
  readonly lab = new Lab()
  readonly sent: { msgId: Long; body: Buffer }[] = []
  readonly pushed: number[] = []

  constructor() {
    this.lab.world.keys.update(this.lab.key.id, { userId: 1 })
    this.lab.call({ _: 'updates.getState' })
    this.lab.settle()
  }

  async step(step: Step): Promise<void> {
    const { lab } = this
    switch (step.do) {
      case 'call': {
        const message = this.#make()
        this.#deliver(lab.client.pack(message.body, message.msgId))
        break
      }
      case 'container': {
        // New and old messages together, as after a reconnect.
        const old = this.sent[step.pick % Math.max(1, this.sent.length)]
        const messages = [...(old ? [old] : []), this.#make(), this.#make()]
        this.#deliver(lab.client.packContainer(messages))
        break
      }
      case 'repeat': {
        const message = this.sent[step.pick % Math.max(1, this.sent.length)]
        if (message) this.#deliver(lab.client.pack(message.body, message.msgId))
        break
      }
      case 'answer': {
        const open = lab.held.splice(step.pick % Math.max(1, lab.held.length), 1)[0]
        await open?.answer(open.call.method._ === 'updates.getState' ? stateAnswer : true)
        break
      }
      case 'push':
        lab.session!.pushUpdate(update(this.pushed.length), this.pushed.length)
        this.pushed.push(this.pushed.length)
        break
      case 'read':
        lab.settle()
        break
      case 'ack':
        this.#deliver(lab.client.pack(lab.client.ackBody(), undefined, 0))
        break
      case 'wait':
        lab.clock.advance(800)
        lab.calls.sweep()
        break
      case 'cut':
        lab.world.flush()
        lab.cut()
        lab.connect()
        break
    }
  }

  /** The network holds from now on: the client repeats what has no answer, everything is answered and acknowledged. */
  async end(): Promise<void> {
    const { lab } = this
    const unanswered = this.sent.filter(({ msgId }) => lab.client.resultOf(msgId) === undefined)
    for (const { body, msgId } of unanswered) lab.send(lab.client.pack(body, msgId))
    lab.send(lab.client.packObject({ _: 'mt_ping', pingId: 'pingping' }))
    for (const held of lab.held.splice(0)) {
      await held.answer(held.call.method._ === 'updates.getState' ? stateAnswer : true)
    }
    lab.settle()
    lab.send(lab.client.pack(lab.client.ackBody(), undefined, 0))
  }

  #make() {
    const message = { msgId: this.lab.client.nextId(), body: draft(this.sent.length) }
    this.sent.push(message)
    return message
  }

  #deliver(packet: Buffer) {
    const { connection } = this.lab
    connection.received(connection.client.encode(packet))
  }
}

const stateAnswer = { _: 'updates.state', pts: 1, qts: 0, date: 1, seq: 0, unreadCount: 0 }

test('whatever is repeated, lost or cut: each call runs once, each is answered, each push arrives, nothing is left over', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const conversation = new Conversation()
      const { lab, sent, pushed } = conversation
      for (const step of sequence) await conversation.step(step)
      await conversation.end()
      const ran = lab.ran.map((call) => call.method.message).filter((message) => message !== undefined)
      expect([...ran].sort()).toEqual(sent.map((_, i) => String(i)).sort())
      for (const { msgId } of sent) expect(lab.client.resultOf(msgId)).toBe(true)
      const seen = new Set(lab.client.noticesOf('updateShort').map(({ date }) => date))
      expect(pushed.filter((date) => !seen.has(date))).toEqual([])
      expect(lab.events).not.toContain('resync')
      expect(new Set(lab.events.filter((event) => event.startsWith('acked'))).size).toBe(pushed.length)
      // One id, one message: a client drops what it has seen by its id.
      const bodies = new Map<Long, string>()
      for (const { msgId, body } of lab.client.received) {
        expect(bodies.get(msgId) ?? body.toString('hex')).toBe(body.toString('hex'))
        bodies.set(msgId, body.toString('hex'))
      }
      expect(lab.session!.idle).toBe(true)
      expect(lab.world.budget.held).toBe(0)
      expect(lab.calls.running).toBe(0)
      expect(lab.complaints).toEqual([])
    }),
    { numRuns: 500 },
  )
})
