/**
 * Rules of the core (CORE.md), each switched off from outside, so that the program itself has no switch for it. A world
 * in which one is off must break: otherwise the simulation would not notice if it went wrong.
 */
import type {
  ActorDefinition,
  AgendaStore,
  Checkpoint,
  Commit,
  Journal,
  JournalStore,
  NodeId,
} from '../runtime/index.js'
import type { Mutation } from './mutation.js'

// biome-ignore lint/suspicious/noExplicitAny: a definition of whatever shape, as the systems's list has it
type AnyDefinition = ActorDefinition<any>
type AnyMethod = (turn: object, ...args: unknown[]) => unknown

export const mutations = {
  /** R1: a commit is acknowledged before it is flushed, so replies and pushes leave with nothing on the disk. */
  replyBeforeCommit: { journals: (journals) => mapped(journals, acknowledgedEarly) },
  /** R1: a push leaves at once, whatever becomes of the commit. */
  pushBeforeCommit: { actor: (definition) => withMethods(definition, 'user', sendingAtOnce) },
  /** D3: a repeated sending is a new one. */
  noDeduplication: { actor: (definition) => withMethods(definition, 'chat', forgettingOperations()) },
  /** D2: what is undelivered is not written down. */
  noUndeliveredRows: { journals: (journals) => mapped(journals, withoutUndelivered) },
  /** D2: what is undelivered is written down, and nobody looks. */
  noSweep: { agenda: unswept },
} satisfies Record<string, Mutation>

export type MutationName = keyof typeof mutations

/**
 * Second lines of defence: no world notices that one of these rules is off, because another stands before it. With that
 * one off as well (`without`), it is this rule alone that holds the world together.
 */
export const secondLines = {
  /** D1: a box refuses a gap. Before it, an activation asks all boxes for their marks before it takes any call. */
  gap: { without: { actor: resumesLater }, mutation: { actor: (definition) => takesGaps(resumesLater(definition)) } },
} satisfies Record<string, { readonly without: Mutation; readonly mutation: Mutation }>

export type SecondLine = keyof typeof secondLines

function mapped(journals: JournalStore, change: (journal: Journal) => Journal): JournalStore {
  return {
    async open(...request) {
      const opened = await journals.open(...request)
      return { ...opened, journal: change(opened.journal) }
    },
  }
}

/** The journal with some of its methods replaced. */
export function changed(journal: Journal, replaced: Partial<Journal>): Journal {
  return {
    commit: (commit) => journal.commit(commit),
    checkpoint: (checkpoint) => journal.checkpoint(checkpoint),
    erase: () => journal.erase(),
    read: (...range) => journal.read(...range),
    readAt: (pts) => journal.readAt(pts),
    scan: (scan) => journal.scan(scan),
    get: (...row) => journal.get(...row),
    handOver: () => journal.handOver?.(),
    close: () => journal.close(),
    ...replaced,
  }
}

function acknowledgedEarly(journal: Journal): Journal {
  let writing: Promise<void> = Promise.resolve()
  const after = <T>(run: () => Promise<T>) => writing.then(run)
  return changed(journal, {
    async commit(commit: Commit) {
      writing = after(() => journal.commit(commit)).catch(() => undefined)
    },
    checkpoint: (checkpoint: Checkpoint) => after(() => journal.checkpoint(checkpoint)),
    erase: () => after(() => journal.erase()),
    read: (...range) => after(() => journal.read(...range)),
    readAt: (pts) => after(() => journal.readAt(pts)),
    close: () => void after(async () => journal.close()),
  })
}

function withoutUndelivered(journal: Journal): Journal {
  return changed(journal, {
    commit: ({ entries, before }) => journal.commit({ entries, before: { ...before, undelivered: false } }),
  })
}

function unswept(agenda: AgendaStore): AgendaStore {
  return {
    sweepUndelivered: async () => undefined,
    removeUndelivered: (...row) => agenda.removeUndelivered(...row),
    due: (...range) => agenda.due(...range),
    removeDue: (row) => agenda.removeDue(row),
  }
}

/** The definition with each method of one kind of actor replaced, where `change` gives something else for it. */
function withMethods(
  definition: AnyDefinition,
  kind: string,
  change: (name: string, method: AnyMethod) => AnyMethod | undefined,
): AnyDefinition {
  if (definition.type.kind !== kind) return definition
  const methods = Object.entries(definition.methods as Record<string, AnyMethod>)
  return {
    ...definition,
    methods: Object.fromEntries(methods.map(([name, method]) => [name, change(name, method) ?? method])),
  }
}

/** A chat's activation does not ask what is undelivered before its first call, only when the sweep finds it. */
function resumesLater(definition: AnyDefinition): AnyDefinition {
  const { delivery } = definition
  if (definition.type.kind !== 'chat' || delivery === undefined) return definition
  const begun = new WeakSet<object>()
  return {
    ...definition,
    delivery: {
      ...delivery,
      resume(turn) {
        const isFirst = !begun.has(turn.memory)
        begun.add(turn.memory)
        return isFirst ? undefined : delivery.resume(turn)
      },
    },
  }
}

function takesGaps(definition: AnyDefinition): AnyDefinition {
  return withMethods(definition, 'user', (name, method) =>
    name === 'deliver' ? (turn, append) => method(turn, { ...(append as object), after: 0 }) : undefined,
  )
}

function forgettingOperations() {
  let calls = 0
  return (name: string, method: AnyMethod): AnyMethod | undefined => {
    if (name !== 'post') return undefined
    return (turn, request) => {
      const { drafts, ...rest } = request as { readonly drafts: readonly { readonly op: string }[] }
      calls++
      return method(turn, { ...rest, drafts: drafts.map((draft) => ({ ...draft, op: `${draft.op}#${calls}` })) })
    }
  }
}

/** What is behind a turn: the way out that does not wait. */
interface Inside {
  readonly host: { readonly frames: { send(node: NodeId, sink: string, payload: unknown): void } }
}

function sendingAtOnce(_name: string, method: AnyMethod): AnyMethod {
  return (turn, ...args) => {
    const { frames } = (turn as Inside).host
    const hasty = new Proxy(turn, {
      get(target, property) {
        if (property === 'send') return frames.send.bind(frames)
        const value = Reflect.get(target, property, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    return method(hasty, ...args)
  }
}
