import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { KNOWN_LAYERS } from './index.js'
import { isInLayer, readHistory } from './test/shapes.js'

const text = readFileSync(new URL('./schema/history.tl', import.meta.url), 'utf8')
const history = readHistory()

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

function crc32(value: string): number {
  let crc = ~0
  for (const byte of Buffer.from(value)) crc = crcTable[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** The form of a declaration whose CRC-32 is its id. */
function canonical(declaration: string): string {
  return declaration
    .replace(/#[0-9a-f]+/, '')
    .replace(/^mt_|%mt_/g, '')
    .replace(/^([\w.]+)(.*query:!X.*)$/, '$1 X:Type$2')
    .replace(/ \w+:flags\d?\.\d+\?true/g, '')
    .replaceAll('int53', 'long')
    .replace(/([:?])bytes /g, '$1string ')
    .replaceAll('<', ' ')
    .replaceAll('>', '')
}

describe('the committed history', () => {
  it('has each id once, and every declaration is the one that its id was computed from', () => {
    const declarations = [...text.matchAll(/^([\w.]+#[0-9a-f]{8}.*);/gm)].map((match) => match[1]!)
    const changed = declarations.filter(
      (line) => crc32(canonical(line)) !== Number.parseInt(line.split(/[# ]/)[1]!, 16),
    )
    expect(declarations.length).toBeGreaterThan(2900)
    expect(new Set(history.map((shape) => shape.id)).size).toBe(declarations.length)
    // Telegram itself changed what these say and kept their ids.
    expect(changed.map((line) => line.split('#')[0])).toEqual([
      'accessPointRule',
      'help.configSimple',
      'inputPeerPhotoFileLocationLegacy',
      'inputStickerSetThumbLegacy',
      'ipPortSecret',
    ])
  })

  it('names a constructor once in each layer, and a source for each layer', () => {
    for (const layer of KNOWN_LAYERS) {
      const names = history.filter((shape) => isInLayer(shape, layer)).map((shape) => shape.name)
      expect(new Set(names).size).toBe(names.length)
      expect(text).toMatch(new RegExp(`^// source: layer ${layer}, \\S+ \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, 'm'))
    }
  })

  it('has MTProto in every layer, with the handshake of older clients', () => {
    const names = new Set(history.filter((shape) => shape.layers === 'mtproto').map((shape) => shape.name))
    for (const name of ['mt_req_pq', 'mt_p_q_inner_data', 'mt_p_q_inner_data_temp', 'mt_server_DH_params_fail']) {
      expect(names).toContain(name)
    }
  })
})
