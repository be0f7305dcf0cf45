import type { Method } from '../method.js'
import { getFullUser, getUsers } from './users.js'

export const usersMethods: readonly Method[] = [getUsers, getFullUser]
