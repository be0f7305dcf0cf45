/**
 * A contract is what a caller may know of an actor: a TypeScript interface of methods that return promises, and
 * an `ActorType` value that carries the kind, how an id becomes a key, and how each method is scheduled.
 */

/**
 * How a method is scheduled.
 * - `turn`: runs alone in its actor; may append entries.
 * - `read`: read-only; may interleave with turns and other reads at their awaits; may not append.
 */
export type MethodMode = 'turn' | 'read'

export type AsyncMethod = (...args: never[]) => Promise<unknown>

/** The methods of a contract; anything that does not return a promise is not one. */
export type MethodsOf<Contract> = {
  [Name in keyof Contract]: Contract[Name] extends AsyncMethod ? Contract[Name] : never
}

export interface ActorType<Contract, Id> {
  readonly kind: string
  readonly methods: { readonly [Name in keyof Contract & string]: MethodMode }
  /** The id's one spelling as a string: at most 200 printable ASCII characters without '/'. */
  readonly key: (id: Id) => string
  /** The inverse of `key`. Throws on a string that `key` never makes. */
  readonly parse: (key: string) => Id
}

/** What a caller holds: the contract's methods, bound to one actor. Cheap to make, holds no connection. */
export type Ref<Contract> = MethodsOf<Contract>

export interface ActorTypeOptions<Contract, Id> {
  readonly methods: { readonly [Name in keyof Contract & string]: MethodMode }
  readonly key: (id: Id) => string
  readonly parse: (key: string) => Id
}

/** Declares an actor type: `export const Chat = actorType<Chat, ChatId>('chat', {...})`. */
export function actorType<Contract, Id>(
  kind: string,
  options: ActorTypeOptions<Contract, Id>,
): ActorType<Contract, Id> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(kind)) throw new TypeError(`actor kind ${JSON.stringify(kind)} is not kebab-case`)
  return { kind, ...options }
}

/** Key functions for ids that are whole numbers from 0 to 2^53 - 1. */
export const numberKey = {
  key(id: number): string {
    if (!Number.isSafeInteger(id) || id < 0) throw new TypeError(`actor id ${id} is not a whole number`)
    return String(id)
  },
  parse(key: string): number {
    const id = Number(key)
    if (!/^(0|[1-9][0-9]{0,15})$/.test(key) || !Number.isSafeInteger(id)) throw new TypeError(`bad actor key ${key}`)
    return id
  },
} as const

/** What travels with a call, hop by hop. */
export interface CallOptions {
  /** Absolute deadline on the wall clock, in milliseconds; shrinks hop by hop, never grows. Default: now + 10 s. */
  readonly deadlineMs?: number
  /** Trace id from the client's request; made up when absent. */
  readonly traceId?: string
  /** Call the actor only if it is active somewhere; otherwise the call resolves to undefined and activates nothing. */
  readonly ifActive?: boolean
}
