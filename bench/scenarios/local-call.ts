import { join } from 'node:path'
import { dispatch, query, spawn, start, stop } from 'nact'
import { createActorSystem, systemClock, systemRandom } from '../../runtime/index.js'
import { noLog, noMetrics } from '../../runtime/testing/index.js'
import { openEmbeddedStorage } from '../../storage/index.js'
import { alternate, figureOf, median, ratios, type Side } from '../measure/repetitions.js'
import type { Outcome, Run, Scenario } from '../scenario.js'
import { Tally, tallyActor } from '../target/tally.js'

const ACTORS = 100
const TIMEOUT_MS = 10_000

type Call = (actor: number) => Promise<number>

/** Calls a second, with `inFlight` calls under way over all actors. */
function rate(name: string, call: Call, { calls, inFlight }: { calls: number; inFlight: number }): Side {
  return {
    name,
    async once() {
      const started = performance.now()
      let sum = 0
      for (let done = 0; done < calls; done += inFlight) {
        const pending: Promise<number>[] = []
        for (let i = 0; i < inFlight; i++) pending.push(call(i % ACTORS))
        for (const value of await Promise.all(pending)) sum += value
      }
      if (sum <= 0) throw new Error(`${name} does not count`)
      return calls / ((performance.now() - started) / 1000)
    },
  }
}

async function ourCalls(run: Run) {
  const storage = await openEmbeddedStorage({ directory: join(run.scratch, 'data'), clock: systemClock, log: noLog })
  const system = createActorSystem({
    actors: [tallyActor],
    clock: systemClock,
    random: systemRandom,
    journals: storage.journals,
    agenda: storage.agenda,
    ownership: storage.ownership,
    metrics: noMetrics,
    log: noLog,
    localValues: 'pass',
  })
  run.onEnd(async () => {
    await system.stop()
    await storage.close()
  })
  const refs = Array.from({ length: ACTORS }, (_, id) => system.ref(Tally, id))
  await Promise.all(refs.map((ref) => ref.total()))
  return { system, refs }
}

interface Asked {
  readonly amount: number
  answer(total: number): void
}

function theirCalls(run: Run) {
  const system = start()
  run.onEnd(() => stop(system))
  const add = (state: { total: number } = { total: 0 }, { amount, answer }: Asked) => {
    state.total += amount
    answer(state.total)
    return state
  }
  const actors = Array.from({ length: ACTORS }, (_, id) => spawn(system, add, `tally-${id}`))
  const told: Call = (actor) =>
    new Promise((answer) => {
      dispatch(actors[actor]!, { amount: 1, answer })
    })
  const asked: Call = (actor) =>
    query(actors[actor]!, (sender) => ({ amount: 1, answer: (total: number) => dispatch(sender, total) }), TIMEOUT_MS)
  return { told, asked }
}

async function runLocalCall(run: Run): Promise<Outcome> {
  const { system, refs } = await ourCalls(run)
  const theirs = theirCalls(run)
  const many = { calls: run.sized({ quick: 4_000, normal: 400_000 }), inFlight: 1_000 }
  const few = { calls: many.calls / 4, inFlight: 1_000 }
  const alone = { calls: many.calls / 4, inFlight: 1 }
  const turn: Call = (actor) => refs[actor]!.add(1)
  const samples = await alternate(
    run,
    [
      rate('turn', turn, many),
      rate('turn, reference made anew', (actor) => system.ref(Tally, actor).add(1), many),
      rate('read', (actor) => refs[actor]!.total(), many),
      rate('turn that awaits', (actor) => refs[actor]!.addAfterWaiting(1), few),
      rate('turn, one caller', turn, alone),
      rate('nact dispatch and answer', theirs.told, few),
      rate('nact query', theirs.asked, few),
      rate('nact dispatch, one caller', theirs.told, { ...alone, calls: alone.calls / 4 }),
    ],
    run.sized({ quick: 1, normal: 7 }),
  )
  const of = (name: string) => samples.get(name)!
  const peer = of('nact dispatch and answer')
  const targets = { must: { atLeast: 2 }, aim: { atLeast: 3 } }
  return {
    figures: [
      figureOf('turn, beside nact', 'x', ratios(of('turn'), peer), targets),
      figureOf('turn that awaits, beside nact', 'x', ratios(of('turn that awaits'), peer)),
      figureOf('one caller, beside nact', 'x', ratios(of('turn, one caller'), of('nact dispatch, one caller'))),
      ...[...samples].map(([name, each]) => figureOf(name, 'calls/s', each)),
    ],
    plots: [
      {
        kind: 'bars',
        title: 'Calls a second',
        unit: 'calls/s',
        bars: [...samples].map(([name, each]) => ({ name, parts: [{ name: 'calls/s', value: median(each) }] })),
      },
    ],
    notes: [
      `${many.inFlight.toLocaleString('en-US')} calls in flight over ${ACTORS} actors; "one caller" awaits each call before the next.`,
      'nact is compared by its faster way: dispatch, with the answer through a function in the message. Its query() makes a temporary actor and a timer a call.',
      'Our calls carry a deadline, are bounded by the mailbox and check the ownership of the shard; nact does none of it.',
    ],
  }
}

export const localCall: Scenario = {
  name: 'local-call',
  summary: 'calls a second from one place to actors of the same process, beside npm nact',
  run: runLocalCall,
}
