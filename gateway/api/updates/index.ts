import type { Method } from '../method.js'
import { getDifference } from './difference.js'
import { getState } from './state.js'

export const updatesMethods: readonly Method[] = [getDifference, getState]
