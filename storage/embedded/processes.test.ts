import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { errorCode, refusalReason, shardOf, systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { openEmbeddedStorage } from './embedded-storage.js'

/** Real processes on a real disk: killed in the middle of commits, started twice, out of space. */
const program = fileURLToPath(new URL('../../dist/storage/testing/committing-process.js', import.meta.url))

class Committing {
  readonly child: ChildProcess
  readonly lines: string[] = []
  /** Ended, and all that it wrote is in `lines`. */
  hasEnded = false
  readonly #closed: Promise<unknown>
  #rest = ''
  #waiting: (() => void)[] = []

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop()!
      this.lines.push(...lines)
      for (const check of this.#waiting.splice(0)) check()
    })
    this.#closed = once(this.child, 'close')
    this.child.on('close', () => {
      this.hasEnded = true
      for (const check of this.#waiting.splice(0)) check()
    })
  }

  async until(isReached: (lines: readonly string[]) => boolean): Promise<void> {
    while (!isReached(this.lines)) {
      if (this.hasEnded) throw new Error(`The process ended: ${this.lines.slice(-3).join(' | ')}`)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#closed
  }

  async ended(): Promise<void> {
    await this.#closed
  }

  stored(): Map<string, number> {
    const stored = new Map<string, number>()
    for (const line of this.lines) {
      const [what, key, pts] = line.split(' ')
      if (what === 'stored') stored.set(key!, Number(pts))
    }
    return stored
  }
}

let directory: string
const running: Committing[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-processes-'))
})
afterEach(async () => {
  for (const each of running.splice(0)) if (!each.hasEnded) await each.kill()
  rmSync(directory, { recursive: true, force: true })
})

function start(actors: number, bodyBytes = 100): Committing {
  const process_ = new Committing(process.execPath, [program, directory, `${actors}`, `${bodyBytes}`])
  running.push(process_)
  return process_
}

const open = () => openEmbeddedStorage({ directory, clock: systemClock, log: noLog })

async function storedNow(keys: Iterable<string>): Promise<Map<string, number>> {
  const storage = await open()
  const stored = new Map<string, number>()
  const { ownership, journals } = storage
  for (const key of keys) {
    const actor = { kind: 'chat', key, shard: shardOf('chat', key, ownership.shardCount) }
    const { tail } = await journals.open(actor, { epoch: ownership.epoch, attempt: 1, mayKeepWriter: false })
    expect(tail.map((entry) => Buffer.from(entry.fact).toString())).toEqual(tail.map((_, i) => `${key}:${i + 1}`))
    stored.set(key, tail.length)
  }
  await storage.close()
  return stored
}

test('S1: kill -9 in the middle of commits, again and again: everything acknowledged is there', async () => {
  let before = new Map<string, number>()
  for (let round = 0; round < 5; round++) {
    const committing = start(40)
    await committing.until((lines) => lines.length > 400 + round * 137)
    await committing.kill()
    const acknowledged = committing.stored()
    expect(acknowledged.size).toBe(40)
    const stored = await storedNow(acknowledged.keys())
    for (const [key, pts] of acknowledged) {
      // One commit in flight an actor: at most one more than was acknowledged.
      expect(stored.get(key)! - pts, `actor ${key}`).toBeGreaterThanOrEqual(0)
      expect(stored.get(key)! - pts, `actor ${key}`).toBeLessThanOrEqual(1)
      expect(pts).toBeGreaterThan(before.get(key) ?? 0)
    }
    before = stored
  }
})

test('a second start is refused with a line that names the process, and the first goes on', async () => {
  const first = start(1)
  await first.until((lines) => lines.includes('ready'))
  const second = start(1)
  await second.ended()
  expect(second.lines).toEqual([
    `refused REFUSED: The data directory ${directory} is in use by process ${first.child.pid}. ` +
      'Stop that process, or start with another directory.',
  ])
  const refusal = await open().catch((error: unknown) => error)
  expect(errorCode(refusal)).toBe('REFUSED')
  expect(refusalReason(refusal)).toBe('DIRECTORY_IN_USE')
  const { length } = first.lines
  await first.until((lines) => lines.length > length + 10)
})

test('of many starts at once exactly one gets the directory', async () => {
  const all = Array.from({ length: 6 }, () => start(1))
  await Promise.all(all.map((each) => each.until((lines) => lines.length > 0).catch(() => undefined)))
  const winners = all.filter((each) => each.lines[0] === 'ready')
  expect(winners.length).toBe(1)
  await winners[0]!.kill()
  for (const each of all) await each.ended()
  const refused = all.filter((each) => each !== winners[0]).map((each) => each.lines[0])
  for (const line of refused) expect(line).toContain(`in use by process ${winners[0]!.child.pid}`)
})

test('the lock of a killed process is no obstacle, though others were refused meanwhile', async () => {
  const first = start(1)
  await first.until((lines) => lines.includes('ready'))
  await start(1).ended()
  await first.kill()
  await (await open()).close()
  const next = start(1)
  await next.until((lines) => lines.includes('ready'))
})

test('out of space: STORE_UNAVAILABLE, nothing acknowledged is lost, and what was refused is not there', async () => {
  // A limit on the size of a file makes writes fail as a full disk does, without the need to fill one.
  const limited = `trap '' XFSZ; ulimit -f 4096; exec "$0" "$@"`
  const args = ['-c', limited, process.execPath, program, directory, '8', '20000']
  const committing = new Committing('sh', args)
  running.push(committing)
  await committing.ended()
  const failures = committing.lines.filter((line) => line.startsWith('failed'))
  expect(new Set(failures)).toEqual(new Set(['failed STORE_UNAVAILABLE']))
  expect(failures.length).toBeGreaterThanOrEqual(20)
  const acknowledged = committing.stored()
  expect([...acknowledged.values()].reduce((sum, pts) => sum + pts, 0)).toBeGreaterThan(20)
  const stored = await storedNow(acknowledged.keys())
  expect([...stored].sort()).toEqual([...acknowledged].sort())
})
