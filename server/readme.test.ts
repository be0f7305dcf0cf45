import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Setting } from './setting.js'
import { settingTable } from './setting-table.js'

/** Longer than this, a program is no introduction any more. */
const maxExampleLines = 20

const examples = ['examples/mtcute.mjs', 'examples/gramjs.mjs']
const settings: readonly Setting<unknown>[] = Object.values(settingTable)

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

/** Puts `content` between the two comments that mark its place. */
function replaceSection(readme: string, start: RegExp, end: string, content: string): string {
  const section = new RegExp(`(<!-- ${start.source} -->\n)[\\s\\S]*?(<!-- ${end} -->)`)
  expect(readme).toMatch(section)
  return readme.replace(section, (_, from: string, to: string) => `${from}\n${content}\n${to}`)
}

function settingsAsMarkdown(): string {
  const lines = settings.map(({ env, accepts, unit, default: value, defaultInWords, doc }) => {
    const shown = defaultInWords ?? `\`${value}\``
    return `| \`${env}\` | ${accepts} | ${unit} | ${shown} | ${doc} |\n`
  })
  return `| setting | takes | unit | default | what it is |\n|---|---|---|---|---|\n${lines.join('')}`
}

test('the README tells every setting and shows the examples (write it with: npx vitest run server -u)', async () => {
  let readme = replaceSection(read('README.md'), /settings: [^>]*/, 'end of settings', settingsAsMarkdown())
  for (const path of examples) {
    const program = `\`\`\`js\n${read(path)}\`\`\`\n`
    readme = replaceSection(readme, new RegExp(`example: ${path}`), 'end of example', program)
  }
  await expect(readme).toMatchFileSnapshot('../README.md')
})

test.each(examples)(`%s has at most ${maxExampleLines} lines`, (path) => {
  expect(read(path).trimEnd().split('\n').length).toBeLessThanOrEqual(maxExampleLines)
})

test('every setting has a name of its own with the common prefix, and numbers carry their unit in the name', () => {
  const names = settings.map(({ env }) => env)
  expect(new Set(names).size).toBe(names.length)
  for (const { env, unit } of settings) {
    expect(env).toMatch(/^HELIOGRAPH_[A-Z0-9_]+$/)
    if (unit === 'ms') expect(env).toMatch(/_MS$/)
    if (unit === 'bytes') expect(env).toMatch(/_BYTES$/)
  }
})
