import { createRequire } from 'node:module'
import { Long as MtcuteLong } from '@mtcute/core'
import { __tlWriterMap } from '@mtcute/core/utils.js'
import { TlBinaryWriter } from '@mtcute/tl-runtime'
import bigInt from 'big-integer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readObject, type tl, writeObject } from './index.js'
import { type Dialect, ours, RandomObjects } from './test/random-objects.js'
import { isInLayer, parseShapes, readHistory, readMtcuteSchema, type Shape } from './test/shapes.js'

const require = createRequire(import.meta.url)

const mtcute: Dialect = { ...ours, long: (bytes) => MtcuteLong.fromBytesLE([...bytes]) }

interface GramObject {
  getBytes(): Buffer
}

type GramClass = new (fields: Record<string, unknown>) => GramObject

const { tlobjects } = require('telegram/tl/AllTLObjects') as { readonly tlobjects: Readonly<Record<number, GramClass>> }

function littleEndian(bytes: Buffer): unknown {
  return bigInt(Buffer.from(bytes).reverse().toString('hex'), 16)
}

const gramjs: Dialect = {
  long: littleEndian,
  int53: (value) => bigInt(value),
  int128: littleEndian,
  fieldName: (name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  object: (shape, fields) => new tlobjects[shape.id]!(fields),
}

/** Each run takes one object of every constructor; a failing run names its seed. */
function forEverySeed(check: (seed: number) => void): void {
  fc.assert(fc.property(fc.integer(), check), { numRuns: 3, endOnFailure: true })
}

function differing(shapes: readonly Shape[], seed: number, isSame: (shape: Shape, seed: number) => boolean): string[] {
  return shapes.filter((shape, index) => !isSame(shape, seed + index)).map((shape) => `${shape.name} ${seed}`)
}

describe('bytes of layer 227', () => {
  // mtcute writes future_salts as the bare vector that it reads; on the wire it has its id.
  const shapes = readMtcuteSchema()
  const checked = shapes.filter((shape) => shape.name !== 'mt_future_salts')

  it("are those of mtcute's own writers, for every constructor and method", () => {
    const mine = new RandomObjects(shapes, ours)
    const theirs = new RandomObjects(shapes, mtcute)
    forEverySeed((seed) => {
      const isSame = (shape: Shape, at: number) => {
        const written = writeObject(227, mine.object(shape, at) as tl.TlObject)
        const expected = TlBinaryWriter.serializeObject(__tlWriterMap, theirs.object(shape, at) as { _: string })
        return written.equals(expected)
      }
      expect(differing(checked, seed, isSame)).toEqual([])
    })
    expect(checked.length).toBeGreaterThan(2400)
  })
})

describe('bytes of layer 198', () => {
  const text = require('telegram/tl/apiTl.js') as string
  // Bool, true, null and error have no class there.
  const theirIds = new Set(
    parseShapes(text)
      .map((shape) => shape.id)
      .filter((id) => id in tlobjects),
  )
  const shapes = readHistory().filter((shape) => isInLayer(shape, 198) && theirIds.has(shape.id))
  // The flag moved within the life of its constructor; later layers, and we, have it elsewhere. GramJS drops the sign of
  // a peer's number.
  const options = { without: new Set(['messageActionGiftCode.unclaimed']), noNegativeIds: true }
  // Valueless flags that were added to a constructor after 198.
  const known = new Map(parseShapes(text).map((shape) => [shape.id, new Set(shape.fields.map((field) => field.name))]))
  const asThen = shapes.map((shape) => ({
    ...shape,
    fields: shape.fields.filter((field) => known.get(shape.id)!.has(field.name)),
  }))

  it("are those of GramJS' serializer, for every constructor and method", () => {
    const mine = new RandomObjects(asThen, ours, options)
    const theirs = new RandomObjects(asThen, gramjs, options)
    forEverySeed((seed) => {
      const isSame = (shape: Shape, at: number) => {
        const written = writeObject(198, mine.object(shape, at) as tl.TlObject)
        return written.equals((theirs.object(shape, at) as GramObject).getBytes())
      }
      expect(differing(asThen, seed, isSame)).toEqual([])
    })
    expect(asThen.length).toBeGreaterThan(2000)
    expect(asThen.length).toBe(theirIds.size)
  })

  it('are read back as the object that was sent', () => {
    const theirs = new RandomObjects(asThen, gramjs, options)
    const mine = new RandomObjects(asThen, ours, options)
    const shape = asThen.find(({ name }) => name === 'messages.sendMessage')!
    forEverySeed((seed) => {
      expect(readObject((theirs.object(shape, seed) as GramObject).getBytes())).toEqual(mine.object(shape, seed))
    })
  })
})
