import { readFileSync } from 'node:fs'

/** The methods that docs/protocol.md says are served; a test of the gateway holds that page to the code. */
export function servedMethods(): readonly string[] {
  const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
  const rows = page.matchAll(/^\| (\w+) \| \d+ of \d+ \| (.*) \|$/gm)
  return [...rows].flatMap(([, namespace, methods = '']) =>
    methods
      .split(', ')
      .filter((method) => method !== '')
      .map((method) => `${namespace}.${method}`),
  )
}
