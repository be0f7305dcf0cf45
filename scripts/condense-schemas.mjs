// Condenses the published TL schemas of many layers into gateway/tl/schema/history.tl, which is committed, so that an
// install pulls one small file and not fifteen packages. Run by hand when a layer is to be added:
//
//   node scripts/condense-schemas.mjs
//
// It fetches each package with `npm pack` into a temporary directory and changes nothing else. It stops with an error
// when one constructor id means two shapes, or when the history would not be the same for every layer that it names.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eachDeclaration, printArgument, printEntry } from './tl-text.mjs'

/** @typedef {import('./tl-text.mjs').Entry} Entry */

const HISTORY = new URL('../gateway/tl/schema/history.tl', import.meta.url)

/** Where each layer's schema comes from. Ascending by layer; the last one also gives MTProto's own constructors. */
const SOURCES = [
  ...['167.0.0', '179.0.0', '181.0.0', '185.1.0', '189.0.0'].map((version) => mtcuteTl(version)),
  { package: 'telegram', version: '2.26.22', layer: 198, text: 'package/tl/apiTl.js' },
  ...['204.0.0', '216.0.0', '218.0.1', '220.0.0', '221.0.0', '223.0.0'].map((version) => mtcuteTl(version)),
  { package: '@mtcute/core', version: '0.29.7', layer: 225, json: 'package/tl/api-schema.json' },
  { package: '@mtcute/core', version: '0.30.3', layer: 227, json: 'package/tl/api-schema.json' },
  {
    package: '@mtcute/core',
    version: '0.31.0',
    layer: 228,
    json: 'package/tl/api-schema.json',
    mtproto: 'package/tl/mtp-schema.json',
  },
]

/**
 * Handshake constructors that older clients still send and that the JSON schemas have dropped.
 * Source: core.telegram.org/mtproto/auth_key.
 */
const LEGACY_HANDSHAKE = `
mt_p_q_inner_data#83c95aec pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 = P_Q_inner_data;
mt_p_q_inner_data_temp#3c6a84d4 pq:bytes p:bytes q:bytes nonce:int128 server_nonce:int128 new_nonce:int256 \
expires_in:int = P_Q_inner_data;
mt_server_DH_params_fail#79cb045d nonce:int128 server_nonce:int128 new_nonce_hash:int128 = Server_DH_Params;
---functions---
mt_req_pq#60469778 nonce:int128 = ResPQ;
`

function mtcuteTl(version) {
  return { package: '@mtcute/tl', version, layer: Number.parseInt(version, 10), json: 'package/api-schema.json' }
}

/** Unpacks one published package and returns the directory that holds its `package/`. */
function fetchPackage(name, version, parent) {
  const dir = mkdtempSync(join(parent, 'p-'))
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', `${name}@${version}`], {
    cwd: dir,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const file = packed.trim().split('\n').at(-1)
  execFileSync('tar', ['xzf', file], { cwd: dir })
  return dir
}

/** Names that a client library added for itself and that never travel. */
const isPrivateName = (name) => name.startsWith('mtcute.') || /^invokeWith\w+Prefix$/.test(name)

/** @returns {Entry} */
function fromJson(entry) {
  const args = (entry.arguments ?? []).map(({ name, type, typeModifiers: mod = {} }) => {
    const [field, bit] = mod.predicate?.split('.') ?? []
    return {
      name,
      type: mod.isBareType ? `%${type}` : type,
      ...(mod.predicate ? { flag: [field, Number(bit)] } : {}),
      ...(mod.isVector ? { vector: 'boxed' } : mod.isBareVector ? { vector: 'bare' } : {}),
    }
  })
  const vectorResult = entry.typeModifiers?.isVector === true
  return { name: entry.name, id: entry.id >>> 0, kind: entry.kind, args, type: entry.type, vectorResult }
}

/** @returns {Entry[]} */
function readSource(source, dir) {
  if (source.text) {
    const entries = []
    eachDeclaration(createRequire(join(dir, 'x.cjs'))(`./${source.text}`), (entry) => entries.push(entry))
    return entries
  }
  const schema = JSON.parse(readFileSync(join(dir, source.json), 'utf8'))
  if (schema.l !== source.layer) throw new Error(`${source.package} ${source.version} is layer ${schema.l}`)
  return schema.e.filter((entry) => !isPrivateName(entry.name)).map(fromJson)
}

/**
 * The JSON schemas mark a `long` that holds a user's, chat's or file's number as `int53`; TL text does not, and the JSON
 * of two layers missed a field each. A field is `int53` wherever any schema says so for its name and field, so that one
 * field is never a number in one layer and a long in the next.
 */
class NumberFields {
  #marked = new Set()

  learn(entry) {
    for (const arg of entry.args) if (arg.type === 'int53') this.#marked.add(`${entry.name}.${arg.name}`)
  }

  apply(entry) {
    for (const arg of entry.args) {
      if (arg.type === 'long' && this.#marked.has(`${entry.name}.${arg.name}`)) arg.type = 'int53'
    }
  }
}

/** Moved without a new layer number; the later place, which every later layer keeps, is the one that we write. */
const MOVED_FLAGS = new Set(['messageActionGiftCode.unclaimed'])

const isBareFlag = (arg) => arg.type === 'true'

/**
 * What the wire shows of an entry. A flag without a value takes no bytes and is no part of the id, so layers may differ
 * in those without the id changing.
 */
function wireShape(entry) {
  return printEntry({ ...entry, args: entry.args.filter((arg) => !isBareFlag(arg)) })
}

/** Adds the valueless flags that `entry` has and `known` lacks, each behind its neighbour. */
function mergeBareFlags(known, entry) {
  for (const [index, arg] of entry.args.entries()) {
    if (!isBareFlag(arg)) continue
    const same = known.args.find((other) => other.name === arg.name)
    if (same) {
      const field = `${known.name}.${arg.name}`
      if (printArgument(same) !== printArgument(arg) && !MOVED_FLAGS.has(field)) throw new Error(`flag moved: ${field}`)
      continue
    }
    const taken = known.args.find((other) => isBareFlag(other) && String(other.flag) === String(arg.flag))
    if (taken) throw new Error(`flag reused: ${known.name}.${arg.name} and ${taken.name}`)
    const before = entry.args[index - 1]?.name
    known.args.splice(known.args.findIndex((other) => other.name === before) + 1, 0, arg)
  }
}

/** @returns {{ entry: Entry, layers: number[] }[]} newest shape first met, with every layer that knows the id */
function mergeLayers(layers) {
  const byId = new Map()
  for (const { layer, entries } of layers.toReversed()) {
    const names = new Set()
    for (const entry of entries) {
      const id = entry.id.toString(16)
      if (names.has(entry.name)) throw new Error(`layer ${layer} has two constructors named ${entry.name}`)
      names.add(entry.name)
      const known = byId.get(entry.id)
      if (!known) {
        byId.set(entry.id, { entry, layers: [layer] })
        continue
      }
      if (wireShape(known.entry) !== wireShape(entry)) {
        throw new Error(`id ${id} means two shapes:\n  ${wireShape(known.entry)}\n  ${wireShape(entry)}`)
      }
      mergeBareFlags(known.entry, entry)
      known.layers.unshift(layer)
    }
  }
  return [...byId.values()]
}

/** `167-189 204-228`: runs of known layers. */
function printLayers(present, all) {
  const runs = []
  for (const layer of present) {
    const last = runs.at(-1)
    if (last && all.indexOf(layer) === all.indexOf(last[1]) + 1) last[1] = layer
    else runs.push([layer, layer])
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(' ')
}

function header(sources) {
  return [
    "// Every constructor of Telegram's TL schema in the layers below: each id once, and behind it the layers that have it.",
    '// Written by scripts/condense-schemas.mjs from these published packages; do not edit.',
    '//',
    ...sources.map((s) => `// source: layer ${s.layer}, ${s.package} ${s.version} (${s.license})`),
    `// source: mtproto, ${sources.at(-1).package} ${sources.at(-1).version} (${sources.at(-1).license}), and the`,
    '//   handshake constructors of core.telegram.org/mtproto/auth_key that it leaves out',
    '//',
    '// int53 is a long whose value fits a double exactly (as the JSON schemas mark it). A flag without a value is listed',
    '// if any layer has it: it takes no bytes and is no part of the id.',
  ]
}

function render(sources, api, mtproto) {
  const all = sources.map((source) => source.layer)
  const order = (a, b) =>
    a.entry.name < b.entry.name ? -1 : a.entry.name > b.entry.name ? 1 : b.layers[0] - a.layers[0]
  const lines = header(sources)
  for (const [kind, title] of [
    ['class', '---types---'],
    ['method', '---functions---'],
  ]) {
    lines.push('', title)
    for (const entry of mtproto.filter((e) => e.kind === kind)) lines.push(`${printEntry(entry)} // mtproto`)
    for (const { entry, layers } of api.filter((e) => e.entry.kind === kind).sort(order)) {
      lines.push(`${printEntry(entry)} // ${printLayers(layers, all)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function readMtproto(source, dir) {
  const entries = JSON.parse(readFileSync(join(dir, source.mtproto), 'utf8')).map(fromJson)
  eachDeclaration(LEGACY_HANDSHAKE, (entry) => entries.push(entry))
  return entries
}

function main() {
  const temporary = mkdtempSync(join(tmpdir(), 'tl-schemas-'))
  try {
    const layers = []
    const numberFields = new NumberFields()
    let mtproto = []
    for (const source of SOURCES) {
      const dir = fetchPackage(source.package, source.version, temporary)
      source.license = JSON.parse(readFileSync(join(dir, 'package/package.json'), 'utf8')).license
      const entries = readSource(source, dir)
      for (const entry of entries) numberFields.learn(entry)
      if (source.mtproto) mtproto = readMtproto(source, dir)
      layers.push({ layer: source.layer, entries })
    }
    for (const { entries } of layers) for (const entry of entries) numberFields.apply(entry)
    const api = mergeLayers(layers)
    const ids = new Set(api.map(({ entry }) => entry.id))
    for (const entry of mtproto) if (ids.has(entry.id)) throw new Error(`${entry.name} shares an id with the API`)
    const text = render(SOURCES, api, mtproto)
    mkdirSync(new URL('.', HISTORY), { recursive: true })
    writeFileSync(HISTORY, text)
    console.log(
      `${api.length} API and ${mtproto.length} MTProto constructors of ${layers.length} layers, ${text.length} bytes`,
    )
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

main()
