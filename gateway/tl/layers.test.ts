import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hasConstructor,
  isMethod,
  KNOWN_LAYERS,
  methodNames,
  NEWEST_LAYER,
  OLDEST_LAYER,
  readObject,
  resolveLayer,
  type tl,
  writeObject,
} from './index.js'
import { RandomObjects } from './test/random-objects.js'
import { isInLayer, readHistory } from './test/shapes.js'

const history = readHistory()

describe('every layer', () => {
  it.each(KNOWN_LAYERS)('%i: each of its constructors and methods is read as it was written', (layer) => {
    const shapes = history.filter((shape) => isInLayer(shape, layer))
    const objects = new RandomObjects(shapes, undefined, { emptyOptionalVectors: true })
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const wrong = shapes.filter((shape, index) => {
          const object = objects.object(shape, seed + index) as tl.TlObject
          return !isDeepStrictEqual(readObject(writeObject(layer, object)), object)
        })
        expect(wrong.map((shape) => shape.name)).toEqual([])
      }),
      { numRuns: 2, endOnFailure: true },
    )
    expect(shapes.length).toBeGreaterThan(1700)
  })

  it('writes each constructor under the id that the layer has for it', () => {
    for (const layer of KNOWN_LAYERS) {
      const shapes = history.filter((shape) => isInLayer(shape, layer))
      const objects = new RandomObjects(shapes)
      for (const shape of shapes) {
        const id = writeObject(layer, objects.object(shape, 1) as tl.TlObject).readUInt32LE()
        expect(`${shape.name} ${id.toString(16)}`).toBe(`${shape.name} ${shape.id.toString(16)}`)
      }
    }
  })
})

describe('resolveLayer', () => {
  it('takes a known layer as it is, else the nearest below, and keeps within the oldest and the newest', () => {
    expect([OLDEST_LAYER, NEWEST_LAYER]).toEqual([167, 228])
    for (const layer of KNOWN_LAYERS) expect(resolveLayer(layer)).toBe(layer)
    expect([190, 197, 199, 203, 222, 226].map(resolveLayer)).toEqual([189, 189, 198, 198, 221, 225])
    expect([-1, 0, 1, 166, 229, 9999, 2 ** 31].map(resolveLayer)).toEqual([167, 167, 167, 167, 228, 228, 228])
  })
})

describe('names', () => {
  it('says which constructors a layer has, stand-ins not counted', () => {
    expect(hasConstructor(198, 'starsAmount')).toBe(true)
    expect(hasConstructor(189, 'starsAmount')).toBe(false)
    expect(hasConstructor(167, 'messageMediaToDo')).toBe(false)
    expect(hasConstructor(228, 'messageMediaToDo')).toBe(true)
    expect(hasConstructor(167, 'mt_pong')).toBe(true)
    expect(hasConstructor(228, 'toString')).toBe(false)
  })

  it('lists the methods of every layer, and nothing else', () => {
    const expected = new Set(history.filter((s) => s.isMethod && s.layers !== 'mtproto').map((s) => s.name))
    expect(methodNames).toEqual([...expected].sort())
    expect(isMethod('messages.sendMessage')).toBe(true)
    for (const name of ['message', 'mt_ping', 'toString', '']) expect(isMethod(name)).toBe(false)
  })
})
