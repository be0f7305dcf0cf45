import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Setting } from './setting.js'
import { settingTable } from './setting-table.js'

const readmePath = new URL('../README.md', import.meta.url)
const between = /(<!-- settings: [^>]*-->\n)[\s\S]*?(<!-- end of settings -->)/

function markdownTable(settings: readonly Setting<unknown>[]): string {
  const lines = settings.map(({ env, accepts, unit, default: value, defaultInWords, doc }) => {
    const shown = defaultInWords ?? `\`${value}\``
    return `| \`${env}\` | ${accepts} | ${unit} | ${shown} | ${doc} |\n`
  })
  return `| setting | takes | unit | default | what it is |\n|---|---|---|---|---|\n${lines.join('')}`
}

test('the README tells every setting with its unit and default (write it with: npx vitest run server -u)', async () => {
  const readme = readFileSync(readmePath, 'utf8')
  expect(readme).toMatch(between)
  const table = markdownTable(Object.values(settingTable))
  const updated = readme.replace(between, (_, start: string, end: string) => `${start}\n${table}\n${end}`)
  await expect(updated).toMatchFileSnapshot('../README.md')
})

test('every setting has a name of its own with the common prefix, and numbers carry their unit in the name', () => {
  const settings: readonly Setting<unknown>[] = Object.values(settingTable)
  const names = settings.map(({ env }) => env)
  expect(new Set(names).size).toBe(names.length)
  for (const { env, unit } of settings) {
    expect(env).toMatch(/^HELIOGRAPH_[A-Z0-9_]+$/)
    if (unit === 'ms') expect(env).toMatch(/_MS$/)
    if (unit === 'bytes') expect(env).toMatch(/_BYTES$/)
  }
})
