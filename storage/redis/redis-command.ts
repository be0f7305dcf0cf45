import { createHash } from 'node:crypto'

/** One command: its keys lie on one server of a cluster, by their first one. */
export interface RedisCommand {
  readonly name: string
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
  readonly script?: Script
}

/** A Lua script: what it does is one atomic step. */
export interface Script {
  readonly source: string
  readonly sha: string
}

/** As it goes over the wire. */
export type Wire = readonly [name: string, ...args: (string | number)[]]

export function command(name: string, key: string, ...args: readonly (string | number)[]): RedisCommand {
  return { name, keys: [key], args }
}

export function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') }
}

export function run(of: Script, keys: readonly string[], args: readonly (string | number)[]): RedisCommand {
  return { name: 'evalsha', keys, args, script: of }
}

/** `whole`: a script by its text, for a server that does not know it yet. */
export function toWire({ name, keys, args, script: of }: RedisCommand, whole: boolean): Wire {
  if (!of) return [name, ...keys, ...args]
  return whole ? ['eval', of.source, keys.length, ...keys, ...args] : ['evalsha', of.sha, keys.length, ...keys, ...args]
}
