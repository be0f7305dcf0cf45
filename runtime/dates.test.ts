/** CORE J2: a date that an actor told is not gone back behind, whatever becomes of clocks, activations and processes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ActorDefinition, actorType, implement, numberKey, type Turn } from './index.js'
import { MemoryStore, SoloOwnership, settled, testSystem, VirtualClock } from './testing/index.js'

interface Diary {
  /** Answers with the entry's time. */
  note(): Promise<number>
  date(): Promise<number>
}
const Diary = actorType<Diary, number>('diary', { methods: { note: 'turn', date: 'read' }, ...numberKey })

interface DiaryShape {
  contract: Diary
  id: number
  state: { notes: number }
  entry: { type: 'note' }
  memory: undefined
}

const IDLE_MS = 700

const diary: ActorDefinition<DiaryShape> = implement<DiaryShape>({
  type: Diary,
  state: { version: 1, initial: () => ({ notes: 0 }), apply: ({ notes }) => ({ notes: notes + 1 }) },
  methods: {
    note: (turn: Turn<DiaryShape>) => turn.append({ type: 'note' }).atMs,
    date: ({ datedMs }) => datedMs,
  },
  limits: { idleAfterMs: IDLE_MS, checkpointEntries: 3 },
})

type Deed = 'note' | 'date' | 'idle' | 'crash' | { readonly passMs: number } | { readonly jumpMs: number }

async function live(deeds: readonly Deed[]): Promise<{ latestDateS: number; aheadMs: number; opens: number }> {
  const [store, clock] = [new MemoryStore(), new VirtualClock()]
  let epoch = 1
  let { system } = testSystem([diary], { store, clock, ownership: new SoloOwnership(epoch) })
  let latestDateS = 0
  let latestNowMs = clock.now()
  let aheadMs = 0
  for (const deed of deeds) {
    latestNowMs = Math.max(latestNowMs, clock.now())
    if (deed === 'note') {
      const atMs = await system.ref(Diary, 1).note()
      expect(Math.floor(atMs / 1000)).toBeGreaterThanOrEqual(latestDateS)
      aheadMs = Math.max(aheadMs, atMs - latestNowMs)
    } else if (deed === 'date') {
      latestDateS = Math.max(latestDateS, Math.floor((await system.ref(Diary, 1).date()) / 1000))
    } else if (deed === 'idle') for (let i = 0; i < 10; i++) await clock.advance(IDLE_MS)
    else if (deed === 'crash') {
      await settled()
      system = testSystem([diary], { store, clock, ownership: new SoloOwnership(++epoch) }).system
    } else if ('passMs' in deed) await clock.advance(deed.passMs)
    else clock.jump(deed.jumpMs)
  }
  await system.stop()
  return { latestDateS, aheadMs, opens: store.opens.length }
}

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Deed>('note') },
  { weight: 4, arbitrary: fc.constant<Deed>('date') },
  fc.constant<Deed>('idle'),
  fc.constant<Deed>('crash'),
  { weight: 2, arbitrary: fc.nat(1_500).map((passMs) => ({ passMs })) },
  fc.integer({ min: -10_000, max: 10_000 }).map((jumpMs) => ({ jumpMs })),
)

test('an entry is not older, in seconds, than a date that was told before it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 40, size: 'max' }), async (deeds) => {
      await live(deeds)
    }),
    { numRuns: 300 },
  )
})

test.each([['crash'], ['idle']] as const)(
  'a clock set back while the actor is away (%s) hides nothing',
  async (away) => {
    const deeds: Deed[] = ['note', { jumpMs: 5_000 }, 'date', { jumpMs: -60_000 }, away, 'note']
    const { latestDateS } = await live(deeds)
    expect(latestDateS).toBeGreaterThan(0)
  },
)

test('a process that begins within the second of the last entry is at most a second ahead, however often', async () => {
  const deeds = Array.from({ length: 20 }, (): Deed[] => ['note', 'idle', { passMs: 300 }, 'note', 'date']).flat()
  expect((await live(deeds)).aheadMs).toBe(0)
  expect((await live(['note', 'crash', 'note'])).aheadMs).toBeLessThanOrEqual(1_000)
})
