import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readSettings } from './settings.js'

const folder = fileURLToPath(new URL('.', import.meta.url))
const notUses = /^(settings?|setting-table)\.ts$|\.test\.ts$/

test('every setting does something: the composition root reads each field of the record', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts') && !notUses.test(name))
  const text = files.map((name) => readFileSync(`${folder}${name}`, 'utf8')).join('\n')
  const unused = Object.keys(readSettings({})).filter((field) => !new RegExp(`\\b${field}\\b`).test(text))
  expect(unused).toEqual([])
})
