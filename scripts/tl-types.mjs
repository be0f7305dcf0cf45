// Renders the types: one interface for each name, the superset of all its shapes.

import { fieldName, isGeneric, PRIMITIVES } from './tl-history.mjs'

const TS_PRIMITIVES = {
  int: 'number',
  int53: 'number',
  double: 'number',
  long: 'Long',
  string: 'string',
  bytes: 'Uint8Array',
  int128: 'Uint8Array',
  int256: 'Uint8Array',
  Bool: 'boolean',
  true: 'boolean',
}

const capital = (text) => text[0].toUpperCase() + text.slice(1)

function split(name) {
  const dot = name.indexOf('.')
  return dot < 0 ? ['', name] : [name.slice(0, dot), name.slice(dot + 1)]
}

/** `messages.sendMessage` is `RawSendMessageRequest` in the namespace `messages`. */
function rawName({ name, kind, mtproto }) {
  const suffix = kind === 'method' && !mtproto ? 'Request' : ''
  return `Raw${capital(split(name)[1])}${suffix}`
}

function qualified(root, namespace, name) {
  return [root, namespace, name].filter(Boolean).join('.')
}

function typeReference(type, mtproto) {
  if (TS_PRIMITIVES[type]) return TS_PRIMITIVES[type]
  if (type === '!X') return 'tl.RpcMethod'
  if (type === 'X') return 'unknown'
  const [namespace, name] = split(type.replace('%', ''))
  if (type.startsWith('%')) return `mtp.Raw${capital(name)}`
  return qualified(mtproto ? 'mtp' : 'tl', namespace, `Type${name}`)
}

function fieldType(arg, mtproto) {
  const type = typeReference(arg.type, mtproto)
  return arg.vector ? `${type}[]` : type
}

/** The types that a client may send: all that method parameters reach. */
function clientTypes(entries) {
  const reached = new Set()
  const queue = entries.filter((entry) => entry.kind === 'method')
  const classes = new Map()
  for (const entry of entries) {
    if (entry.kind !== 'class') continue
    const list = classes.get(entry.type)
    if (list) list.push(entry)
    else classes.set(entry.type, [entry])
  }
  while (queue.length > 0) {
    for (const arg of queue.pop().args) {
      if (PRIMITIVES[arg.type] || isGeneric(arg.type) || reached.has(arg.type)) continue
      reached.add(arg.type)
      queue.push(...(classes.get(arg.type) ?? []))
    }
  }
  return reached
}

/**
 * A field that a client sends is optional unless every layer requires it. One that only the server writes is required
 * when the newest layer requires it, so that the compiler finds what is left out.
 */
function isOptional(field, shapes, sentByClients) {
  const required = (shape) => shape.args.some((arg) => arg.name === field && !arg.flag)
  return sentByClients ? !shapes.every(required) : !required(shapes[0])
}

function renderInterface(shapes, sentByClients) {
  const [newest] = shapes
  const fields = new Map()
  for (const shape of shapes) {
    for (const arg of shape.args) {
      if (arg.type === '#') continue
      const types = fields.get(arg.name) ?? new Set()
      fields.set(arg.name, types.add(fieldType(arg, newest.mtproto)))
    }
  }
  const lines = [...fields].map(([name, types]) => {
    const optional = isOptional(name, shapes, sentByClients)
    return `  ${fieldName(name)}${optional ? '?' : ''}: ${[...types].join(' | ')}${optional ? ' | undefined' : ''}`
  })
  return [`interface ${rawName(newest)} {`, `  _: '${newest.name}'`, ...lines, '}']
}

const union = (name, members) => `type ${name} = ${members.length > 0 ? members.join(' | ') : 'never'}`

/** Lines by namespace, printed as one tree. */
class Declarations {
  /** @type {Map<string, string[]>} */
  #byNamespace = new Map([['', []]])

  add(namespace, lines) {
    const list = this.#byNamespace.get(namespace) ?? []
    this.#byNamespace.set(namespace, list)
    for (const line of lines) list.push(line)
  }

  render(root) {
    const lines = [`export declare namespace ${root} {`]
    for (const [namespace, content] of this.#byNamespace) {
      if (namespace) lines.push(`namespace ${namespace} {`)
      lines.push(...content)
      if (namespace) lines.push('}')
    }
    return [...lines, '}']
  }
}

function declare(root, groups, sentTypes) {
  const declarations = new Declarations()
  const members = new Map()
  for (const shapes of groups) {
    const [newest] = shapes
    const [namespace] = split(newest.name)
    const sentByClients = newest.kind === 'method' || shapes.some((shape) => sentTypes.has(shape.type))
    declarations.add(namespace, renderInterface(shapes, sentByClients))
    if (newest.kind === 'method') continue
    for (const type of new Set(shapes.map((shape) => shape.type))) {
      const list = members.get(type) ?? []
      members.set(type, list)
      list.push(qualified(root, namespace, rawName(newest)))
    }
  }
  for (const [type, list] of members) {
    const [namespace, name] = split(type)
    declarations.add(namespace, [union(`Type${name}`, list)])
  }
  const names = (kind) =>
    groups.filter(([e]) => e.kind === kind).map(([e]) => qualified(root, split(e.name)[0], rawName(e)))
  declarations.add('', [union('RpcMethod', names('method'))])
  const objects = [...names('class'), `${root}.RpcMethod`]
  if (root === 'tl') objects.push('mtp.TlObject')
  declarations.add('', [union('TlObject', objects)])
  return declarations
}

function renderResults(groups) {
  const rows = groups
    .filter(([newest]) => newest.kind === 'method')
    .map((shapes) => {
      const types = shapes.map((shape) => `${typeReference(shape.type, false)}${shape.vectorResult ? '[]' : ''}`)
      return `  '${shapes[0].name}': ${[...new Set(types)].join(' | ')}`
    })
  return ['interface RpcCallReturn {', ...rows, '}', 'type MethodName = keyof RpcCallReturn']
}

/** @param {import('./tl-history.mjs').History} history */
export function renderTypes({ entries, byName }) {
  const groups = [...byName.values()]
  const api = groups.filter(([newest]) => !newest.mtproto)
  const mtproto = groups.filter(([newest]) => newest.mtproto)
  const tl = declare('tl', api, clientTypes(entries.filter((entry) => !entry.mtproto)))
  tl.add('', renderResults(api))
  tl.add('', ['type FindByName<Name extends TlObject["_"]> = Extract<TlObject, { _: Name }>'])
  const mtp = declare('mtp', mtproto, new Set())
  return ["import type { Long } from '../long.js'", ...tl.render('tl'), ...mtp.render('mtp'), ''].join('\n')
}
