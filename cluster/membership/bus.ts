/**
 * Where the nodes of a cluster tell each other news. It is quick and forgetful: nothing is decided by it, and what it loses
 * is said again or read from the register (CORE, "Ownership").
 *
 * B1. What is published while there is no connection is dropped, never queued: news that is late is no news.
 * B2. Subscriptions outlive connections.
 * B3. A request that nobody listens for is answered so at once; one whose listener is silent ends after its time.
 */
export interface Bus {
  readonly isConnected: boolean
  /** False: it was dropped, because there is no connection or too much waits to be sent. */
  publish(subject: string, payload: Uint8Array): boolean
  /** `subject` may end in `*` for one more token. What `hear` throws is logged, and stops nothing. */
  subscribe(subject: string, hear: (payload: Uint8Array, subject: string) => void): Subscription
  /** Answers requests of this subject. Undefined: not answered. */
  answer(subject: string, answer: (payload: Uint8Array) => Uint8Array | undefined): Subscription
  /** Never rejects. */
  request(subject: string, payload: Uint8Array, withinMs: number): Promise<BusReply>
  /** Told after `isConnected` has changed. */
  onChange(listener: (isConnected: boolean) => void): void
}

interface Subscription {
  end(): void
}

/** `nobody`: the bus knows that no one listens. `silence`: it cannot tell. */
export type BusReply =
  | { readonly kind: 'answer'; readonly payload: Uint8Array }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'silence' }
