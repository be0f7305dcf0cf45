import { expect, test } from 'vitest'
import { settled } from '../../runtime/testing/index.js'
import { FakeSession } from '../testing/fake-session.js'
import { SessionDirectory, type SessionStore } from './session-directory.js'

class SlowStore implements SessionStore {
  readonly batches: string[] = []
  readonly #waiting: (() => void)[] = []

  put(sessions: readonly { readonly session: string }[]): Promise<boolean> {
    return this.#take(`put ${sessions.length}`)
  }

  remove(sessions: readonly { readonly session: string }[]): Promise<boolean> {
    return this.#take(`remove ${sessions.length}`)
  }

  async answer(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve()
    await settled()
  }

  #take(what: string): Promise<boolean> {
    this.batches.push(what)
    return new Promise((resolve) => this.#waiting.push(() => resolve(true)))
  }
}

const sessionOf = (number: number) => new FakeSession({ userId: 1, id: number })

test('what is said while a batch is written goes with the next one, the last word of each session only', async () => {
  const store = new SlowStore()
  const directory = new SessionDirectory(store, 'node-1')
  directory.isHere(1, [sessionOf(1)])
  const others = [2, 3, 4, 5].map(sessionOf)
  directory.isHere(1, others)
  directory.isGone(1, others[0]!)
  directory.isHere(1, [others[1]!])
  expect(store.batches).toEqual(['put 1'])
  await store.answer()
  expect(store.batches).toEqual(['put 1', 'put 3', 'remove 1'])
  const written = directory.written()
  await store.answer()
  await written
})

test('what waits is bounded: the next renewal writes the rest', async () => {
  const store = new SlowStore()
  const directory = new SessionDirectory(store, 'node-1', { waiting: 2 })
  directory.isHere(1, [sessionOf(1)])
  directory.isHere(1, [2, 3, 4].map(sessionOf))
  await store.answer()
  expect(store.batches).toEqual(['put 1', 'put 2'])
  await store.answer()
})
