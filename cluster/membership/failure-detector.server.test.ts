import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { waitUntil } from '../../test/harness/index.js'
import { type PrivateService, startPrivateService } from '../../test/services.js'
import type { FromDetecting, ToDetecting } from './testing/detecting-process.js'

/** Members that are processes, on a real NATS server and real streams: killed, frozen, and with NATS taken away. */
const program = fileURLToPath(new URL('../../dist/cluster/membership/testing/detecting-process.js', import.meta.url))
const names = ['a', 'b', 'c']

class Member {
  readonly name: string
  readonly suspected: { readonly node: string; readonly atMs: number }[] = []
  readonly #child: ChildProcess
  port = 0
  #alive: readonly string[] = []

  constructor(name: string, nats: string) {
    this.name = name
    const task = { cluster: `test-${process.pid}`, node: name, incarnation: `${name}-1`, nats }
    this.#child = fork(program, [JSON.stringify(task)])
    this.#child.on('message', (message: FromDetecting) => {
      if ('port' in message) this.port = message.port
      else if ('alive' in message) this.#alive = message.alive
      else this.suspected.push({ node: message.suspected, atMs: message.atMs })
    })
  }

  tell(message: ToDetecting): void {
    this.#child.send(message)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async holdsAlive(expected: readonly string[]): Promise<void> {
    await waitUntil(`${this.name} holds ${expected.join(', ')} to be alive`, () => {
      this.tell('who is alive?')
      return this.#alive.join() === expected.join()
    })
  }
}

let nats: PrivateService
let members: Member[]

beforeEach(async () => {
  nats = await startPrivateService('nats')
  members = names.map((name) => new Member(name, nats.url))
  await waitUntil('all listen', () => members.every(({ port }) => port > 0))
  const addresses = Object.fromEntries(members.map(({ name, port }) => [name, `127.0.0.1:${port}`]))
  for (const member of members) member.tell({ addresses })
  for (const member of members) await member.holdsAlive(names)
})
afterEach(async () => {
  for (const member of members) member.signal('SIGKILL')
  await nats.dispose()
})

const [first, second] = [0, 1]
/** For the machine of the tests, which is shared: the bound itself is held to on virtual time. */
const busyMs = 5_000

test.each(['SIGKILL', 'SIGSTOP'] as const)('F6: a member that gets %s is suspected by both others', async (signal) => {
  const sinceMs = Date.now()
  members[second]!.signal(signal)
  for (const member of [members[0]!, members[2]!]) {
    await waitUntil('b is suspected', () => member.suspected.some(({ node }) => node === 'b'), busyMs)
    await member.holdsAlive(['a', 'c'])
    expect(member.suspected.every(({ node }) => node === 'b')).toBe(true)
  }
  expect(members[0]!.suspected[0]!.atMs - sinceMs).toBeLessThan(busyMs)
})

test('F4: a member that was stopped suspects nobody when it goes on, and is alive to the others again', async () => {
  const [, stopped] = members
  stopped!.signal('SIGSTOP')
  await waitUntil('b is suspected', () => members[first]!.suspected.length > 0)
  stopped!.signal('SIGCONT')
  for (const member of members) await member.holdsAlive(names)
  expect(stopped!.suspected).toEqual([])
})

test('F2: NATS that is killed makes nobody suspect anybody, and a death is seen without it', async () => {
  await nats.kill9()
  const sinceMs = performance.now()
  await waitUntil('three times the silence has passed', () => performance.now() - sinceMs > 3_000)
  for (const member of members) {
    await member.holdsAlive(names)
    expect(member.suspected).toEqual([])
  }
  members[second]!.signal('SIGKILL')
  await waitUntil('b is suspected', () => members[first]!.suspected.some(({ node }) => node === 'b'), busyMs)
  await nats.restart()
  await members[first]!.holdsAlive(['a', 'c'])
})
