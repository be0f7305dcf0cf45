/** Rows as a table for people: columns as wide as they must be, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  const isNumeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[-+]?[\d.,]*( \S+)?$/.test(row[column] ?? '')),
  )
  const line = (cells: readonly string[]) =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? ''
        return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)]
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Milliseconds as people say them. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`
}

/** The time of day with milliseconds, in the machine's zone. */
export function timeOfDay(atMs: number): string {
  const at = new Date(atMs)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

export function bytes(value: number): string {
  if (value < 1_024) return `${value} B`
  return value < 1_024 * 1_024 ? `${(value / 1_024).toFixed(1)} KiB` : `${(value / 1_024 / 1_024).toFixed(1)} MiB`
}
