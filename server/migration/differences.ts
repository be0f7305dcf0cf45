const mostShown = 20

/** What differs between two stores: all of it counted, the first kept to be shown. */
export class Differences {
  count = 0
  readonly first: string[] = []

  add(where: string, what: string): void {
    this.count++
    if (this.first.length < mostShown) this.first.push(`${where}: ${what}`)
  }
}
