import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folders = ['docs', 'bench', 'storage', 'runtime', 'gateway', 'actors', 'server', 'test']

function pages(): string[] {
  const nested = folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
    )
  return [...readdirSync(root), ...nested].filter((path) => path.endsWith('.md'))
}

function brokenLinks(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '')
  const targets = [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)].map(([, target = '']) => target)
  const local = targets.filter((target) => !/^[a-z]+:/.test(target))
  return local.filter((target) => !existsSync(join(root, dirname(page), target))).map((target) => `${page}: ${target}`)
}

test('links between pages lead somewhere', () => {
  expect(pages().length).toBeGreaterThan(3)
  expect(pages().flatMap(brokenLinks)).toEqual([])
})
