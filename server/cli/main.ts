// The process of `npx heliograph <command>`.
//
// C1. Nobody else under cli/ reads the environment or ends the process.
// C2. A problem that the person can mend ends it with a line, no stack: exit code 1; arguments that are none: 2.

import { errorCode, systemClock, systemRandom } from '../../runtime/index.js'
import { CannotAsk } from './admin/admin-client.js'
import { WrongUsage } from './command.js'
import { commands, helpText } from './commands.js'

const complain = (line: string) => process.stderr.write(`${line}\n`)
const say = (line: string) => process.stdout.write(`${line}\n`)

function warn(fields: Record<string, unknown>, message: string): void {
  const cause = fields.error instanceof Error ? fields.error.message : fields.error
  complain(cause === undefined ? message : `${message}: ${String(cause)}`)
}

function help(name: string | undefined): number {
  const text = helpText(name)
  if (text === undefined) return unknown(name)
  say(text)
  return 0
}

function unknown(name: string | undefined): number {
  complain(`heliograph has no command ${name}. All there are: npx heliograph help`)
  return 2
}

/** By its name: most commands need no settings, whose table knows every store. */
function isOfSettings(error: unknown): boolean {
  return error instanceof Error && error.name === 'SettingsRefused'
}

async function run([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help') return help(args[0])
  const command = commands.get(name)
  if (command === undefined) return unknown(name)
  if (args.includes('--help')) return help(name)
  const nothing = () => undefined
  const log = { debug: nothing, info: nothing, warn, error: warn }
  try {
    return await command.run(args, {
      environment: process.env,
      clock: systemClock,
      random: systemRandom,
      ...{ log, say },
    })
  } catch (error) {
    if (error instanceof WrongUsage) {
      complain(`${error.message}\n\n${command.usage}`)
      return 2
    }
    const isMendable =
      isOfSettings(error) || error instanceof CannotAsk || !['INTERNAL', undefined].includes(errorCode(error))
    if (!isMendable) throw error
    complain((error as Error).message)
    return 1
  }
}

process.exit(await run(process.argv.slice(2)))
