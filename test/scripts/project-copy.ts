import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A project of its own with this one's scripts, to run them without touching this one. */
export interface ProjectCopy {
  readonly path: string
  write(path: string, content: string): void
  /** Runs JavaScript as a module in the project; gives its standard output. Fails with what it printed. */
  run(source: string): string
  dispose(): void
}

/** @param npm a shell script that stands in for npm */
export function projectCopy({ linkPackages = false, npm = 'exit 1' } = {}): ProjectCopy {
  const path = mkdtempSync(join(tmpdir(), 'heliograph-scripts-'))
  cpSync(join(root, 'scripts'), join(path, 'scripts'), { recursive: true })
  mkdirSync(join(path, 'bin'))
  writeFileSync(join(path, 'bin', 'npm'), `#!/bin/sh\n${npm}\n`)
  chmodSync(join(path, 'bin', 'npm'), 0o755)
  if (linkPackages) symlinkSync(join(root, 'node_modules'), join(path, 'node_modules'))

  return {
    path,
    write(file, content) {
      mkdirSync(dirname(join(path, file)), { recursive: true })
      writeFileSync(join(path, file), content)
    },
    run(source) {
      const env = { ...process.env, PATH: `${join(path, 'bin')}:${process.env.PATH}` }
      const args = ['--input-type=module', '--eval', source]
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: path, env, encoding: 'utf8' })
      if (status !== 0) throw new Error(`exit code ${status}\n${stdout}\n${stderr}`)
      return stdout
    },
    dispose: () => rmSync(path, { recursive: true }),
  }
}
