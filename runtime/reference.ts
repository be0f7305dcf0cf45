import type { Target } from './call.js'
import type { ActorType } from './contract.js'
import type { Method } from './kind.js'

/** What a reference hands its calls to. */
export interface Caller {
  invoke(target: Target, method: Method, args: readonly unknown[]): Promise<unknown>
}

/** A reference: the methods stand on the prototype of a class that is made once a type, so that making one costs nothing. */
export interface Reference {
  readonly $target: Target
}

export type ReferenceClass = new (target: Target) => Reference

/** Makes the class whose objects have the type's methods. No Proxy: a name that is not a method is undefined. */
export function referenceClass(
  type: ActorType<unknown, unknown>,
  methods: ReadonlyMap<string, Method>,
  caller: Caller,
) {
  class ActorReference implements Reference {
    readonly $target: Target

    constructor(target: Target) {
      this.$target = target
    }
  }
  for (const name of Object.keys(type.methods)) {
    if (!/^[a-z][A-Za-z0-9]*$/.test(name) || name === 'then' || name === 'constructor') {
      throw new TypeError(`${type.kind}: ${name} cannot be a method's name`)
    }
    const method = methods.get(name) as Method
    Object.defineProperty(ActorReference.prototype, name, {
      value: function call(this: Reference, ...args: unknown[]) {
        return caller.invoke(this.$target, method, args)
      },
    })
  }
  return ActorReference as ReferenceClass
}

const KEY = /^[ -.0-~]{1,200}$/

export function isKey(key: string): boolean {
  return KEY.test(key)
}
