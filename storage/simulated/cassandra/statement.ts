import type { Literal } from './values.js'

/** A value that is given with each execution, by its place among the question marks, or that stands in the text. */
export type Term = { readonly marker: number } | { readonly literal: Literal }

/** `columns operator terms`: several columns compare as a tuple. */
export interface Condition {
  readonly columns: readonly string[]
  readonly operator: '=' | 'IN' | '>' | '>=' | '<' | '<='
  readonly terms: readonly Term[]
}

export type Assignment = readonly [column: string, term: Term]

export interface Select {
  readonly verb: 'select'
  readonly table: string
  readonly columns: readonly string[]
  readonly where: readonly Condition[]
  /** Against the order of the table. */
  readonly orderBy: { readonly column: string; readonly descending: boolean } | undefined
  readonly limit: Term | undefined
}

export interface Insert {
  readonly verb: 'insert'
  readonly table: string
  readonly values: readonly Assignment[]
  readonly ifNotExists: boolean
  readonly timestamp: Term | undefined
  readonly ttlSeconds: Term | undefined
}

export interface Update {
  readonly verb: 'update'
  readonly table: string
  readonly values: readonly Assignment[]
  readonly where: readonly Condition[]
  readonly condition: readonly Condition[]
}

export interface Delete {
  readonly verb: 'delete'
  readonly table: string
  /** Empty: whole rows. */
  readonly columns: readonly string[]
  readonly where: readonly Condition[]
  readonly timestamp: Term | undefined
}

export type Parsed = Select | Insert | Update | Delete

/**
 * Reads the part of CQL in which this driver's statements are written. Throws a SyntaxError on everything else, so that a
 * statement is never understood by half.
 */
export function parse(text: string): Parsed {
  const parser = new Parser(text)
  const parsed = parser.statement()
  parser.end()
  return parsed
}

class Parser {
  readonly #text: string
  readonly #tokens: readonly string[]
  #at = 0
  #markers = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = text.match(/\w+|'[^']*'|[<>]=|[^\s\w]/g) ?? []
  }

  statement(): Parsed {
    const verb = this.#next()
    if (verb === 'SELECT') return this.#select()
    if (verb === 'INSERT') return this.#insert()
    if (verb === 'UPDATE') return this.#update()
    if (verb === 'DELETE') return this.#delete()
    throw this.#unknown(verb)
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#unknown(this.#next())
  }

  #select(): Select {
    const columns = this.#list(() => this.#name())
    this.#take('FROM')
    const table = this.#name()
    const where = this.#conditions('WHERE')
    let orderBy: Select['orderBy']
    if (this.#has('ORDER')) {
      this.#take('BY')
      const column = this.#name()
      const descending = this.#has('DESC')
      if (!descending) this.#take('ASC')
      orderBy = { column, descending }
    }
    const limit = this.#has('LIMIT') ? this.#term() : undefined
    return { verb: 'select', table, columns, where, orderBy, limit }
  }

  #insert(): Insert {
    this.#take('INTO')
    const table = this.#name()
    const columns = this.#inParentheses(() => this.#name())
    this.#take('VALUES')
    const terms = this.#inParentheses(() => this.#term())
    if (columns.length !== terms.length) throw this.#unknown(`${columns.length} columns, ${terms.length} values`)
    let ifNotExists = false
    if (this.#has('IF')) {
      this.#take('NOT')
      this.#take('EXISTS')
      ifNotExists = true
    }
    const values = columns.map((column, index): Assignment => [column, terms[index]!])
    return { verb: 'insert', table, values, ifNotExists, ...this.#using() }
  }

  #update(): Update {
    const table = this.#name()
    this.#take('SET')
    const values = this.#list((): Assignment => {
      const column = this.#name()
      this.#take('=')
      return [column, this.#term()]
    })
    return { verb: 'update', table, values, where: this.#conditions('WHERE'), condition: this.#conditions('IF') }
  }

  #delete(): Delete {
    const columns = this.#peek() === 'FROM' ? [] : this.#list(() => this.#name())
    this.#take('FROM')
    const table = this.#name()
    const { timestamp, ttlSeconds } = this.#using()
    if (ttlSeconds) throw this.#unknown('TTL')
    return { verb: 'delete', table, columns, timestamp, where: this.#conditions('WHERE') }
  }

  #using(): { timestamp: Term | undefined; ttlSeconds: Term | undefined } {
    let timestamp: Term | undefined
    let ttlSeconds: Term | undefined
    if (this.#has('USING')) {
      do {
        if (this.#has('TTL')) ttlSeconds = this.#term()
        else {
          this.#take('TIMESTAMP')
          timestamp = this.#term()
        }
      } while (this.#has('AND'))
    }
    return { timestamp, ttlSeconds }
  }

  #conditions(word: string): Condition[] {
    const conditions: Condition[] = []
    if (!this.#has(word)) return conditions
    do conditions.push(this.#condition())
    while (this.#has('AND'))
    return conditions
  }

  #condition(): Condition {
    const isTuple = this.#peek() === '('
    const columns = isTuple ? this.#inParentheses(() => this.#name()) : [this.#name()]
    const operator = this.#next()
    if (!isOperator(operator)) throw this.#unknown(operator)
    const terms = isTuple ? this.#inParentheses(() => this.#term()) : [this.#term()]
    if (columns.length !== terms.length) throw this.#unknown(columns.join())
    return { columns, operator, terms }
  }

  #term(): Term {
    const token = this.#next()
    if (token === '?') return { marker: this.#markers++ }
    if (/^\d+$/.test(token)) return { literal: Number(token) }
    if (token === 'true' || token === 'false') return { literal: token === 'true' }
    if (token.startsWith("'")) return { literal: token.slice(1, -1) }
    throw this.#unknown(token)
  }

  #inParentheses<T>(read: () => T): T[] {
    this.#take('(')
    const all = this.#list(read)
    this.#take(')')
    return all
  }

  #list<T>(read: () => T): T[] {
    const all = [read()]
    while (this.#has(',')) all.push(read())
    return all
  }

  #name(): string {
    const token = this.#next()
    if (!/^[a-z]\w*$/.test(token)) throw this.#unknown(token)
    return token
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at]
  }

  #next(): string {
    return this.#tokens[this.#at++] ?? ''
  }

  #has(token: string): boolean {
    if (this.#peek() !== token) return false
    this.#at++
    return true
  }

  #take(token: string): void {
    const next = this.#next()
    if (next !== token) throw this.#unknown(next)
  }

  #unknown(token: string): SyntaxError {
    return new SyntaxError(`The simulated Cassandra does not understand "${token}" in: ${this.#text}`)
  }
}

function isOperator(token: string): token is Condition['operator'] {
  return ['=', 'IN', '>', '>=', '<', '<='].includes(token)
}
