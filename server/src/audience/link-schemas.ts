import { Joi } from '../http/input.ts'

export const conversionSchema = Joi.object<{ d10xLinkId: string; identifyUserWithD10xUserId: boolean }>({
  d10xLinkId: Joi.text().required().description('A D10x link id, as it came with the deep link').example('x7Gk2vQ9'),
  identifyUserWithD10xUserId: Joi.boolean()
    .strict()
    .default(false)
    .description('Whether a person to whom you have given no id is identified under an id of ours'),
})
  .required()
  .label('body')

export const newLinkSchema = Joi.object<{ userId: string }>({
  userId: Joi.text().required().description("The customer's own id of the user").example('player-4711'),
})
  .required()
  .label('body')
