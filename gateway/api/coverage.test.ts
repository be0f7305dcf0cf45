import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { methodNames } from '../tl/index.js'
import { methodTable } from './registry.js'

const pagePath = new URL('../../docs/protocol.md', import.meta.url)
const between = /(<!-- coverage: [^>]*-->\n)[\s\S]*?(<!-- end of coverage -->)/

/** Methods that belong to a session and are answered below the API (gateway/mtproto). */
const OF_THE_SESSION = ['auth.bindTempAuthKey']

function namespaceOf(name: string): string {
  return name.includes('.') ? name.slice(0, name.indexOf('.')) : ''
}

function coverageTable(served: ReadonlySet<string>): string {
  const namespaces = [...new Set([...methodNames].map(namespaceOf))].filter((name) => name !== '').sort()
  const lines = namespaces.map((namespace) => {
    const all = [...methodNames].filter((name) => namespaceOf(name) === namespace)
    const here = all.filter((name) => served.has(name)).map((name) => name.slice(namespace.length + 1))
    return `| ${namespace} | ${here.length} of ${all.length} | ${here.sort().join(', ')} |\n`
  })
  const total = [...served].length
  return (
    `${total} methods of the ${[...methodNames].length} in layers 167 to 228 are served; each other one answers ` +
    `\`METHOD_NOT_IMPLEMENTED\`.\n\n| namespace | served | methods |\n|---|---|---|\n${lines.join('')}`
  )
}

test('docs/protocol.md lists what the code serves (write it with: npx vitest run gateway/api/coverage -u)', async () => {
  const page = readFileSync(pagePath, 'utf8')
  expect(page).toMatch(between)
  const table = coverageTable(new Set([...methodTable().keys(), ...OF_THE_SESSION]))
  const updated = page.replace(between, (_, start: string, end: string) => `${start}\n${table}\n${end}`)
  await expect(updated).toMatchFileSnapshot('../../docs/protocol.md')
})

test('every method that is served stands in the schema', () => {
  const known = new Set<string>(methodNames)
  for (const name of methodTable().keys()) expect(known, name).toContain(name)
})
