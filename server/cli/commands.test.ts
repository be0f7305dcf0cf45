import { accessSync, constants, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { commands, helpText } from './commands.js'

const root = new URL('../../', import.meta.url)

test('the package says where its command is, and it can be run', () => {
  const { bin } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { bin: Record<string, string> }
  accessSync(new URL(bin.heliograph!, root), constants.X_OK)
})

test('help names every command, and says how each is called', () => {
  for (const [name, { summary }] of commands) {
    expect(helpText()).toContain(`  ${name.padEnd(10)}${summary}`)
    expect(helpText(name)).toContain(`usage: npx heliograph ${name}`)
  }
  expect(helpText('no-command')).toBeUndefined()
})
