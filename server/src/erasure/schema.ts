import { Joi } from '../http/input.ts'

export const deletionSchema = Joi.object<{ userId: string }, true>({
  userId: Joi.text().required().description("The customer's own id of the user").example('player-4711'),
})
  .required()
  .label('body')
