import {
  type ActorDefinition,
  actorType,
  type DerivedValue,
  implement,
  type PlacedEntry,
  type Position,
} from '../index.js'

/** A journal with bodies, counts, derived rows and reminders: what tests of storage-facing parts look at. */
export interface Ledger {
  put(order: number, text: string): Promise<Position>
  drop(order: number): Promise<void>
  /** Takes no number. */
  note(text: string): Promise<Position>
  erase(pts: number): Promise<void>
  many(count: number): Promise<Position>
  entries(after: Position, limit: number, toPts?: number): Promise<readonly PlacedEntry<LedgerFact>[]>
  entriesAt(pts: readonly number[]): Promise<readonly (PlacedEntry<LedgerFact> | undefined)[]>
  rows(from: number, to: number, limit: number, descending?: boolean): Promise<readonly DerivedValue[]>
  row(order: number): Promise<unknown>
  model(): Promise<readonly (readonly [number, string])[]>
  remind(name: 'ring' | 'fail', dueAtMs: number, text: string): Promise<void>
  cancel(name: 'ring' | 'fail'): Promise<void>
  rung(): Promise<readonly string[]>
  tickIn(delayMs: number): Promise<void>
}
export type LedgerFact =
  | { readonly type: 'put'; readonly order: number; readonly text: string }
  | { readonly type: 'drop'; readonly order: number }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'many'; readonly count: number }
  | { readonly type: 'erase'; readonly pts: number }
  | { readonly type: 'rung'; readonly text: string }

export const Ledger = actorType<Ledger, string>('ledger', {
  methods: {
    put: 'turn',
    drop: 'turn',
    note: 'turn',
    erase: 'turn',
    many: 'turn',
    entries: 'read',
    entriesAt: 'read',
    rows: 'read',
    row: 'read',
    model: 'read',
    remind: 'turn',
    cancel: 'turn',
    rung: 'read',
    tickIn: 'turn',
  },
  key: (id) => id,
  parse: (key) => key,
})

export interface LedgerShape {
  contract: Ledger
  id: string
  state: { rows: Map<number, string>; notes: number; rung: string[] }
  entry: LedgerFact
  memory: undefined
  reminders: { ring: string; fail: string }
  timers: 'tick'
}

function bodyOf(text: string): Buffer {
  return Buffer.from(`body of ${text}`)
}

export function ledgerActor(more: Partial<ActorDefinition<LedgerShape>> = {}): ActorDefinition<LedgerShape> {
  return implement<LedgerShape>({
    type: Ledger,
    state: {
      version: 1,
      initial: () => ({ rows: new Map(), notes: 0, rung: [] }),
      apply(state, entry) {
        if (entry.type === 'put') state.rows.set(entry.order, entry.text)
        else if (entry.type === 'drop') state.rows.delete(entry.order)
        else if (entry.type === 'note') state.notes++
        else if (entry.type === 'rung') state.rung.push(entry.text)
        return state
      },
    },
    count: (entry) => (entry.type === 'note' || entry.type === 'rung' ? 0 : entry.type === 'many' ? entry.count : 1),
    derive(_state, entry, _at, _body, rows) {
      if (entry.type === 'put') rows.put('texts', 'all', entry.order, { text: entry.text })
      else if (entry.type === 'drop') rows.remove('texts', 'all', entry.order)
      else if (entry.type === 'erase') rows.erase(entry.pts)
    },
    methods: {
      put: (turn, order, text) => turn.append({ type: 'put', order, text }, bodyOf(text)),
      drop: (turn, order) => void turn.append({ type: 'drop', order }),
      note: (turn, text) => turn.append({ type: 'note', text }),
      erase: (turn, pts) => void turn.append({ type: 'erase', pts }),
      many: (turn, count) => turn.append({ type: 'many', count }),
      entries: (turn, after, limit, toPts) => turn.own.entries(after, limit, toPts),
      entriesAt: (turn, pts) => turn.own.entriesAt(pts),
      rows: (turn, from, to, limit, descending = false) =>
        turn.own.rows('texts', 'all', { from, to, limit, descending }),
      row: (turn, order) => turn.own.row('texts', 'all', order),
      model: (turn) => [...turn.state.rows].sort(([a], [b]) => a - b),
      remind: (turn, name, dueAtMs, text) => turn.remind(name, dueAtMs, text),
      cancel: (turn, name) => turn.cancelReminder(name),
      rung: (turn) => turn.state.rung,
      tickIn: (turn, delayMs) => turn.setTimer('tick', delayMs),
    },
    reminders: {
      ring: (turn, text) => void turn.append({ type: 'rung', text }),
      fail: () => {
        throw new Error('a bad reminder')
      },
    },
    timers: { tick: (turn) => void turn.append({ type: 'rung', text: 'tick' }) },
    ...more,
  })
}
