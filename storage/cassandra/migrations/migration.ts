/** One step of the schema. Every statement may be run again after a crash in the middle: `IF NOT EXISTS` throughout. */
export interface Migration {
  /** 1, 2, 3, ... without a gap. */
  readonly version: number
  readonly name: string
  readonly statements: readonly string[]
}
