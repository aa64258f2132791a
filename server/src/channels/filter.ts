import { Joi } from '../http/input.ts'

interface ChannelFilter {
  workspaceId?: string
}

export const filterSchema = Joi.object<ChannelFilter, true>({
  workspaceId: Joi.text()
    .description('Only the channels that are connected to this workspace')
    .example('6655a1c0f0d3b2a49c8e7d62'),
})
