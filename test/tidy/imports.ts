import { posix } from 'node:path'
import type { Source } from './sources.js'

/** One import of our own code: from which file to which, and where it is written. */
export interface Import {
  readonly from: Source
  /** Path from the root, as written: with `.js` where the file is `.ts`. */
  readonly to: string
  readonly line: number
}

const pattern = /(?:\bfrom|\bimport|\bimport\(|\bnew URL\()\s*['"](\.{1,2}\/[^'"]+)['"]/

/** The relative imports of a file, static and dynamic, of types too. */
export function importsOf(source: Source): Import[] {
  return source.lines.flatMap((text, index) => {
    const target = pattern.exec(text)?.[1]
    if (target === undefined || isProgram(text, target)) return []
    return [{ from: source, to: posix.join(posix.dirname(source.path), target), line: index + 1 }]
  })
}

/** A program that is started as a process of its own, not imported. */
function isProgram(line: string, target: string): boolean {
  return line.includes('new URL(') && target.endsWith('/main.js')
}

/** The first part of a path: `actors` of `actors/user/contract.ts`. */
export function topFolderOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}
