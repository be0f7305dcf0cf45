import type { Activation } from './activation.js'
import type { ActorDefinition, ActorLimits } from './actor.js'
import type { ActorType } from './contract.js'
import type { TurnContext } from './turn.js'

// biome-ignore lint/suspicious/noExplicitAny: inside the runtime the shapes of actors are unknown
export type AnyDefinition = ActorDefinition<any>

/** The turn of one of the definition's reminders or timers. */
export type OwnTurn = (turn: TurnContext, payload: unknown) => unknown

/** A reminder or timer of the definition by a name that is known only now. */
export function ownTurn(turns: object | undefined, name: string): OwnTurn | undefined {
  return turns !== undefined && Object.hasOwn(turns, name) ? (turns as Record<string, OwnTurn>)[name] : undefined
}

/** One method as the runtime runs it: the contract's, or the runtime's own (`reminder:name`, `timer:name`, `resume`). */
export interface Method {
  readonly name: string
  readonly readOnly: boolean
  readonly run: (turn: TurnContext, ...args: readonly unknown[]) => unknown
}

/** A list of activations, least recently queued first; the links are part of the activations. */
export class ActivationList {
  first: Activation | undefined = undefined
  last: Activation | undefined = undefined
  length = 0

  push(activation: Activation): void {
    activation.list = this
    activation.previous = this.last
    activation.next = undefined
    if (this.last !== undefined) this.last.next = activation
    else this.first = activation
    this.last = activation
    this.length++
  }

  remove(activation: Activation): void {
    if (activation.list !== this) return
    if (activation.previous !== undefined) activation.previous.next = activation.next
    else this.first = activation.next
    if (activation.next !== undefined) activation.next.previous = activation.previous
    else this.last = activation.previous
    activation.list = undefined
    activation.previous = undefined
    activation.next = undefined
    this.length--
  }
}

/** One kind of actor on this node: its definition made ready to run, and its activations. */
export class Kind {
  readonly name: string
  readonly type: ActorType<unknown, unknown>
  readonly definition: AnyDefinition
  readonly limits: ActorLimits
  readonly methods = new Map<string, Method>()
  readonly residents = new Map<string, Activation>()
  /** Calls made here of this kind that have not settled. */
  inFlight = 0
  /** Activations that may hold what a moment's idleness lets go of, those that wait to be packed, the packed ones (residency.ts). */
  readonly warm = new ActivationList()
  readonly cool = new ActivationList()
  readonly cold = new ActivationList()
  /** Takes a value out of its maker's hands: copies or freezes it, as the system's localValues say. */
  readonly seal: (value: unknown) => unknown

  constructor(definition: AnyDefinition, defaults: ActorLimits, seal: (value: unknown) => unknown) {
    this.seal = seal
    this.name = definition.type.kind
    this.type = definition.type
    this.definition = definition
    this.limits = { ...defaults, ...definition.limits }
    for (const [name, mode] of Object.entries(definition.type.methods)) {
      const implementation = (definition.methods as Record<string, unknown>)[name]
      if (typeof implementation !== 'function') throw new TypeError(`actor ${this.name} lacks the method ${name}`)
      const run = implementation.bind(definition.methods) as Method['run']
      this.methods.set(name, { name, readOnly: mode === 'read', run })
    }
  }
}
