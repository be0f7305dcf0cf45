/** Milliseconds to the whole seconds that TL carries. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
