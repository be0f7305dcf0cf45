import { ActorError, type ActorType, type CallOptions, type ErrorCode, type Ref } from '../../runtime/index.js'
import type { ActorPort } from '../api/index.js'

export interface SeenCall {
  readonly kind: string
  readonly key: string
  readonly method: string
  readonly args: readonly unknown[]
  readonly options: CallOptions
}

type Methods<Contract> = Partial<{
  [Name in keyof Contract]: Contract[Name] extends (...args: infer Args) => Promise<infer Result>
    ? (...args: Args) => Result | Promise<Result>
    : never
}>

type AnyMethods = Readonly<Record<string, ((...args: unknown[]) => unknown) | undefined>>

/** Actors as typed stubs: a test says what each answers, and sees what was asked. */
export class FakeSystem implements ActorPort {
  readonly node = 'node-1'
  readonly calls: SeenCall[] = []
  /** What a call without a stub rejects with. */
  missing: (name: string) => Error = (name) => new Error(`no stub answers ${name}`)
  readonly #stubs = new Map<string, (id: unknown) => AnyMethods>()
  readonly #sinks = new Map<string, (payload: unknown, from: string) => void>()

  /** How actors of this type answer; a later stub of the same type replaces the methods it names. */
  stub<Contract, Id>(type: ActorType<Contract, Id>, methods: (id: Id) => Methods<Contract>): this {
    const before = this.#stubs.get(type.kind)
    this.#stubs.set(type.kind, (id) => ({ ...before?.(id), ...(methods(id as Id) as AnyMethods) }))
    return this
  }

  ref<Contract, Id>(type: ActorType<Contract, Id>, id: NoInfer<Id>, options: CallOptions = {}): Ref<Contract> {
    const call = async (method: string, args: readonly unknown[]): Promise<unknown> => {
      this.calls.push({ kind: type.kind, key: type.key(id), method, args, options })
      const stub = this.#stubs.get(type.kind)?.(id)[method]
      if (!stub) throw this.missing(`${type.kind}.${method}`)
      return stub(...args)
    }
    const methods = Object.keys(type.methods).map((name) => [name, (...args: unknown[]) => call(name, args)])
    return Object.fromEntries(methods) as Ref<Contract>
  }

  callsOf(method: string): readonly SeenCall[] {
    return this.calls.filter((call) => call.method === method)
  }

  receive(sink: string, receiver: (payload: unknown, from: string) => void): void {
    this.#sinks.set(sink, receiver)
  }

  /** A frame for this node, as an actor would send it. */
  frame(sink: string, payload: unknown): void {
    this.#sinks.get(sink)?.(payload, this.node)
  }
}

/** The error that an actor's refusal is at its caller. */
export function refused(reason: string): ActorError {
  return new ActorError('REFUSED', reason, { reason })
}

export function failed(code: ErrorCode, retryAfterMs?: number): ActorError {
  return new ActorError(code, code, retryAfterMs === undefined ? {} : { retryAfterMs })
}
