import type { Method } from '../method.js'
import { getState } from './state.js'

export const updatesMethods: readonly Method[] = [getState]
