import type { FastifyRequest } from 'fastify'
import { Joi, validateInput } from './input.ts'

const nothing = Joi.object({})

/**
 * A hook of routes without query parameters.
 *
 * @throws InputError where there are some: the contract has unknown ones refused
 * @see contract, "Errors"
 */
export async function refuseQuery({ query }: FastifyRequest): Promise<void> {
  validateInput(nothing, query)
}
