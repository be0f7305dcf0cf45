import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

export interface ShapeField {
  readonly name: string
  /** The element's type when `vector`. `#` is a flags word, `true` a flag without a value. */
  readonly type: string
  /** `flags.5` for a field that the flag decides about. */
  readonly flag?: string
  readonly vector: boolean
}

/** What a schema says of a constructor or method; read here without the generator's help, so that tests check it. */
export interface Shape {
  readonly name: string
  readonly id: number
  readonly isMethod: boolean
  readonly type: string
  readonly fields: readonly ShapeField[]
  /** `167-189 204-228`, or `mtproto`. */
  readonly layers: string
}

const fieldPattern = /(\w+):(?:(flags\d?\.\d+)\?)?([Vv]ector<)?([%\w.!#]+)>?/g

function fieldsOf(text: string): ShapeField[] {
  return [...text.matchAll(fieldPattern)].map(([, name, flag, vector, type]) => ({
    name: name!,
    type: type!,
    vector: vector !== undefined,
    ...(flag === undefined ? {} : { flag }),
  }))
}

/** Every constructor and method of a TL text. */
export function parseShapes(text: string): Shape[] {
  const [types = '', functions = ''] = text.split('---functions---')
  const parse = (part: string, isMethod: boolean): Shape[] =>
    [...part.matchAll(/^([\w.]+)#([0-9a-f]+) ?(.*?) ?= ([\w.<>]+);(?: \/\/ (.*))?$/gm)].map((match) => ({
      name: match[1]!,
      id: Number.parseInt(match[2]!, 16),
      isMethod,
      type: match[4]!,
      fields: fieldsOf(match[3]!),
      layers: match[5] ?? '',
    }))
  return [...parse(types, false), ...parse(functions, true)]
}

/** Every constructor id of every layer, as committed. */
export function readHistory(): Shape[] {
  return parseShapes(readFileSync(new URL('../schema/history.tl', import.meta.url), 'utf8'))
}

export function isInLayer(shape: Shape, layer: number): boolean {
  if (shape.layers === 'mtproto') return true
  return shape.layers.split(' ').some((run) => {
    const [from, to = from] = run.split('-').map(Number)
    return layer >= from! && layer <= to!
  })
}

interface JsonEntry {
  readonly name: string
  readonly id: number
  readonly kind: 'class' | 'method'
  readonly type: string
  readonly arguments?: readonly {
    readonly name: string
    readonly type: string
    readonly typeModifiers?: {
      readonly predicate?: string
      readonly isVector?: boolean
      readonly isBareVector?: boolean
    }
  }[]
}

/** mtcute's own schema of layer 227, straight from its package; without the entries that it adds for itself. */
export function readMtcuteSchema(): Shape[] {
  const require = createRequire(import.meta.url)
  const api = require('@mtcute/core/tl/api-schema.json') as { readonly e: readonly JsonEntry[] }
  const mtproto = require('@mtcute/core/tl/mtp-schema.json') as readonly JsonEntry[]
  return [...api.e, ...mtproto]
    .filter((entry) => !entry.name.startsWith('mtcute.'))
    .map((entry) => ({
      name: entry.name,
      id: entry.id >>> 0,
      isMethod: entry.kind === 'method',
      type: entry.type,
      layers: '',
      fields: (entry.arguments ?? []).map(({ name, type, typeModifiers: modifiers = {} }) => ({
        name,
        type,
        vector: modifiers.isVector === true || modifiers.isBareVector === true,
        ...(modifiers.predicate === undefined ? {} : { flag: modifiers.predicate }),
      })),
    }))
}
