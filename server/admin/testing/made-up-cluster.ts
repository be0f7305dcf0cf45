import {
  type ClusterEvent,
  type ClusterSource,
  type NodeReport,
  type NodeSource,
  propose,
} from '../../../cluster/index.js'
import {
  ActorError,
  decode,
  encode,
  type NodeIncarnation,
  type NodeMember,
  type ShardRun,
} from '../../../runtime/index.js'

const shardCount = 4_096
const boundsMs = [0.1, 0.5, 1, 5, 10, 50, 100, 500, 1_000]

/** A cluster for tests of what operators see: its nodes are told what to be, and say so when they are asked. */
export class MadeUpCluster implements ClusterSource {
  readonly cluster = 'demo'
  readonly self = 'n1'
  readonly asked: string[] = []
  readonly #members = new Map<string, NodeMember>()
  readonly #silent = new Set<string>()
  readonly #halted = new Set<string>()
  readonly #mute = new Set<string>()
  readonly #listeners = new Set<(event: ClusterEvent) => void>()
  readonly #events: ClusterEvent[] = []
  readonly #startedMs = Date.now()
  #owners: (string | undefined)[] = new Array(shardCount)
  #next: (string | undefined)[] = new Array(shardCount)
  #view = 1

  constructor(names: readonly string[]) {
    for (const node of names) {
      const roles = ['gateway', 'actors'] as const
      const address = `10.0.0.${this.#members.size + 1}:7000`
      this.#members.set(node, { node, incarnation: `${node}-1`, address, roles, weight: 1, isDraining: false })
    }
    this.#owners = [...this.#proposed()]
  }

  readonly events = {
    say: (kind: ClusterEvent['kind'], text: string) => this.say(kind, text),
    recent: () => this.#events,
    onEvent: (listener: (event: ClusterEvent) => void) => {
      this.#listeners.add(listener)
      return () => this.#listeners.delete(listener)
    },
  }

  view() {
    return { view: this.#view, shardCount, members: [...this.#members.values()], shards: this.#runs() }
  }

  isAlive(node: string): boolean {
    return !this.#silent.has(node)
  }

  isHalted({ node }: NodeIncarnation): boolean {
    return this.#halted.has(node)
  }

  heartbeatOf(): undefined {
    return undefined
  }

  async ask(node: string, question: Uint8Array): Promise<Uint8Array> {
    const [name] = decode(question) as [string]
    this.asked.push(`${node} ${name}`)
    if (this.#silent.has(node) || this.#mute.has(node)) throw new ActorError('NOT_OWNER', 'nobody answers')
    const hop = { node, actor: 'chat/p1-2', method: 'post', traceId: 't1', atMs: 5, waitMs: 1, runMs: 2, failed: false }
    const answers: Record<string, unknown> = {
      report: this.report(node),
      actors: this.report(node).hot,
      trace: [hop],
      turns: [],
      events: [],
    }
    return encode(answers[name] ?? null)
  }

  answer(): void {}

  async setDraining(node: string, isDraining: boolean): Promise<void> {
    const member = this.#members.get(node)
    if (member === undefined) throw new ActorError('REFUSED', `There is no node ${node}.`, { reason: 'NO_SUCH_NODE' })
    this.#members.set(node, { ...member, isDraining })
    this.say('drain', `${node} gives its shards away`)
    this.plan()
  }

  async rebalance(): Promise<void> {
    this.plan()
  }

  // What tests do.

  say(kind: ClusterEvent['kind'], text: string): void {
    const [number, view] = [this.#events.length + 1, this.#view]
    const event = { kind, by: 'n1', number, incarnation: 'n1-1', atMs: Date.now(), view, node: '', shards: 0, text }
    this.#events.push(event)
    for (const listener of this.#listeners) listener(event)
  }

  /** The node dies; its shards stay as they are. */
  kill(node: string): void {
    this.#silent.add(node)
    this.say('suspicion', `${node} answers nobody`)
  }

  /** The node has no lease any more, and says so. */
  halt(node: string): void {
    this.#halted.add(node)
  }

  /** The node is heard, but answers nothing. */
  mute(node: string): void {
    this.#mute.add(node)
  }

  /** The others take over what the dead had. */
  takeOver(): void {
    for (const node of this.#silent) this.#members.delete(node)
    this.#owners = [...this.#proposed()]
    this.#next = new Array(shardCount)
    this.#view++
    this.say('takeover', 'the shards of the dead have new owners, after a revocation')
  }

  /** Says what is to move. */
  plan(): void {
    const proposed = this.#proposed()
    this.#next = this.#owners.map((owner, shard) => (owner === proposed[shard] ? undefined : proposed[shard]))
    this.#view++
    this.say('move', `${this.#next.filter((next) => next !== undefined).length} shards, to come`)
  }

  /** Moves so many of what is to move. */
  move(count: number): void {
    let left = count
    for (let shard = 0; shard < shardCount && left > 0; shard++) {
      if (this.#next[shard] === undefined) continue
      this.#owners[shard] = this.#next[shard]
      this.#next[shard] = undefined
      left--
    }
    this.#view++
  }

  /** What a node knows of itself. */
  source(node: string): NodeSource {
    return {
      report: () => this.report(node),
      actors: ({ kind, limit }) =>
        this.report(node)
          .hot.filter((each) => each.kind === kind)
          .slice(0, limit),
      activation: () => undefined,
      trace: () => [],
      turnsOf: () => [],
    }
  }

  report(node: string): NodeReport {
    const upMs = Date.now() - this.#startedMs + 60_000
    const share = 1 + node.charCodeAt(node.length - 1) / 50
    const wave = 1 + 0.3 * Math.sin(upMs / 3_000 + share)
    const calls = Math.round((upMs / 1_000) * 900 * share + 300 * wave)
    const sums = { calls, turns: calls * 4, commits: calls * 2, pushes: calls * 3, refusals: 0 }
    const counts = boundsMs.map((_, index) => Math.round((calls * 4) / 2 ** (index + 1)))
    const residents = Math.round(12_000 * share)
    const kind = (name: string, part: number) => {
      return { kind: name, residents: Math.round(residents * part), queued: 2, turns: Math.round(calls * 4 * part) }
    }
    const hot = (key: string, kindOf: string, busy: number) => {
      return { kind: kindOf, key, turnsPerSecond: busy * 900 * wave, busy: busy * wave, waitMs: busy * 2 }
    }
    return {
      node,
      version: '0.1.0',
      upMs,
      view: this.#view,
      load: {
        cores: 2,
        weight: 1,
        cpu: 0.55 * wave,
        loopLagMs: 4 * wave,
        callsPerSecond: 900 * share * wave,
        residents,
        connections: Math.round(400 * share),
      },
      sums,
      sizes: { connections: 400, sessions: 420, residents, queued: 4, parked: 0, pendingPushBytes: 12_000 },
      oldestWaitMs: 12 * wave,
      waits: { boundsMs, counts: [...counts, 0] },
      phases: { open: this.#owners.filter((owner) => owner === node).length },
      kinds: [kind('user', 0.6), kind('chat', 0.3), kind('auth-key', 0.1)],
      hot: [hot(`p${node.charCodeAt(1)}-77`, 'chat', 0.32), hot('g4711', 'chat', 0.2 / share), hot('77', 'user', 0.1)],
    }
  }

  #proposed() {
    const places = [...this.#members.values()].filter(({ node, isDraining }) => !isDraining && !this.#silent.has(node))
    return propose(
      this.#owners,
      places.map(({ node, weight }) => ({ node, weight })),
    )
  }

  #runs(): ShardRun[] {
    const named = (node: string | undefined): NodeIncarnation | undefined =>
      node === undefined ? undefined : { node, incarnation: `${node}-1` }
    const runs: ShardRun[] = []
    for (let shard = 0; shard < shardCount; shard++) {
      const [owner, next] = [this.#owners[shard], this.#next[shard]]
      const last = runs.at(-1)
      if (last && last.owner?.node === owner && last.next?.node === next) runs[runs.length - 1] = { ...last, to: shard }
      else runs.push({ from: shard, to: shard, epoch: 1, owner: named(owner), next: named(next), mustWait: false })
    }
    return runs
  }
}
