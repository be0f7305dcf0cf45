import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { expect, test } from 'vitest'
import { decodeBody, encodeBody } from './body.js'

const packr = new Packr({ useRecords: false })
const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer({ min: 0, max: 70_000 }).map((length) => 'ж'.repeat(length % 40_000)),
  fc.constantFrom('', 'a'.repeat(31), 'a'.repeat(32), 'a'.repeat(255), 'a'.repeat(256), 'a'.repeat(65_536)),
)

test('a bare text is the same to the library, whichever of both wrote or reads it', () => {
  fc.assert(
    fc.property(texts, (text) => {
      // Halves of surrogate pairs have no UTF-8: both sides replace them.
      const kept = Buffer.from(text).toString()
      expect(packr.unpack(encodeBody({ text }))).toEqual({ text: kept })
      expect(decodeBody(packr.pack({ text }))).toEqual({ text: kept })
      expect(decodeBody(encodeBody({ text }))).toEqual({ text: kept })
    }),
  )
})

test('what has more than a text keeps it', () => {
  const body = { text: 'link', entities: [{ type: 'Url', offset: 0, length: 4 }], noWebpage: true }
  expect(decodeBody(encodeBody(body))).toEqual(body)
  expect(decodeBody(encodeBody({ text: '', forward: { date: 5 } }))).toEqual({ text: '', forward: { date: 5 } })
})
