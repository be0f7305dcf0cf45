import type { ActorLog, Clock, Random } from '../../runtime/index.js'

/** What a command is given of the world. */
export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly random: Random
  readonly log: ActorLog
  /** A line for whoever started the command. */
  readonly say: (line: string) => void
}

/** One command of `heliograph`: a file each, listed in commands.ts. */
export interface Command {
  /** One line for the list. */
  readonly summary: string
  /** What `help` says of it, options included. */
  readonly usage: string
  /**
   * Answers with the exit code. Throws WrongUsage for arguments that it does not take, and an ActorError for what the person
   * who started it can mend.
   */
  run(args: readonly string[], context: CommandContext): Promise<number>
}

/** The arguments are no call of the command. */
export class WrongUsage extends Error {}
