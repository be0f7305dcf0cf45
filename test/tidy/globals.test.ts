/**
 * G1. Logic never reads the wall clock, draws randomness or sets timers by itself: it is given them (edges.ts lists
 *     the exceptions, each with its reason).
 * G2. Only the composition root reads the environment.
 * G3. Nothing allocates an AbortController or an AsyncLocalStorage a call: one timer wheel a process carries all.
 */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { edges, environmentReaders } from './edges.js'
import { findings, type Source, sources } from './sources.js'

const clocks = /\b(Date\.now|new Date\(\)|performance\.now|process\.hrtime|setTimeout|setInterval|setImmediate)\b/
const randomness = /\b(Math\.random|randomUUID|randomInt|getRandomValues)\b/
const perCall = /\b(AsyncLocalStorage|AbortController|AbortSignal)\b/

const isUnder = (prefixes: readonly string[], { path }: Source) => prefixes.some((prefix) => path.startsWith(prefix))
const logic = sources.filter((source) => !source.isTest && !isUnder(Object.keys(edges), source))

test('G1: logic takes its clock and its timers from outside', () => {
  expect(logic.flatMap((source) => findings(source, clocks))).toEqual([])
})

test('G1: logic takes its randomness from outside', () => {
  expect(logic.flatMap((source) => findings(source, randomness))).toEqual([])
})

test('G2: only the composition root reads the environment', () => {
  const others = sources.filter((source) => !source.isTest && !isUnder(environmentReaders, source))
  expect(others.flatMap((source) => findings(source, /\bprocess\.env\b/))).toEqual([])
})

test('G3: no AbortController or AsyncLocalStorage in the program', () => {
  const program = sources.filter((source) => !source.isTest && !isUnder(Object.keys(edges), source))
  expect(program.flatMap((source) => findings(source, perCall))).toEqual([])
})

test('an edge that is gone leaves the list', () => {
  const gone = Object.keys(edges).filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))
  expect(gone).toEqual([])
})
