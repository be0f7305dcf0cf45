import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Result } from '../result.js'
import { reportHtml } from './html.js'

/** Writes the result and the page that shows it; gives their paths. */
export function writeReport(result: Result, dir: string): readonly string[] {
  mkdirSync(dir, { recursive: true })
  const path = join(dir, `${result.experiment}-${result.startedAt.replaceAll(/[:.]/g, '-')}`)
  writeFileSync(`${path}.json`, `${JSON.stringify(result)}\n`)
  writeFileSync(`${path}.html`, reportHtml(result))
  return [`${path}.html`, `${path}.json`]
}
