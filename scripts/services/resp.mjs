// As much of Redis' protocol as it takes to ask a server how it is, without a client library.

import { connect } from 'node:net'

/**
 * Sends one command and gives its answer: text, a number, a list, or null. Undefined when there is none in time or it is
 * an error, since a server that is starting answers with errors.
 */
export function ask({ host, port }, ...words) {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect({ host, port }, () => socket.write(encoded(words)))
    const end = (value) => {
      socket.destroy()
      resolve(value)
    }
    socket.setEncoding('latin1')
    socket.setTimeout(2_000, () => end(undefined))
    socket.once('error', () => end(undefined))
    socket.once('close', () => end(undefined))
    socket.on('data', (chunk) => {
      received += chunk
      const answer = parsed(received, 0)
      if (answer !== undefined) end(answer.value)
    })
  })
}

function encoded(words) {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}

/** The value that starts at `at`, and where the next one starts; undefined while it is incomplete. */
function parsed(text, at) {
  const lineEnd = text.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const line = text.slice(at + 1, lineEnd)
  const next = lineEnd + 2
  switch (text[at]) {
    case '+':
      return { value: line, next }
    case '-':
      return { value: undefined, next }
    case ':':
      return { value: Number(line), next }
    case '$':
      return parsedText(text, Number(line), next)
    case '*':
      return parsedList(text, Number(line), next)
    default:
      return { value: undefined, next }
  }
}

function parsedText(text, length, at) {
  if (length < 0) return { value: null, next: at }
  if (text.length < at + length + 2) return undefined
  return { value: text.slice(at, at + length), next: at + length + 2 }
}

function parsedList(text, length, at) {
  if (length < 0) return { value: null, next: at }
  const value = []
  let next = at
  while (value.length < length) {
    const element = parsed(text, next)
    if (element === undefined) return undefined
    value.push(element.value)
    next = element.next
  }
  return { value, next }
}
