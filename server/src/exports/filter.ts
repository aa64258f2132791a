import { Joi } from '../http/input.ts'
import { filterSchema, type ListFilter } from '../vip-users/filter.ts'
import type { ExportFormat } from './formats.ts'

/** What a caller may export a list by: its filters, without the page. */
export type ExportFilter = Omit<ListFilter, 'limit' | 'offset' | 'include' | 'tz' | 'feb29'> & { format: ExportFormat }

const EXPORT_FORMATS: ExportFormat[] = ['csv', 'ndjson', 'excel']

/** @see contract, "GET /vip-users/export" */
export const exportSchema = Joi.object<ExportFilter, true>({
  workspaceId: filterSchema.extract('workspaceId') as never,
  mediumId: filterSchema.extract('mediumId') as never,
  hasBirthday: filterSchema.extract('hasBirthday') as never,
  birthdayMonth: filterSchema.extract('birthdayMonth') as never,
  format: Joi.string()
    .valid(...EXPORT_FORMATS)
    .default('csv')
    .description(
      '`csv`: RFC 4180, text that a spreadsheet would run defused; `ndjson`: the rows unchanged; `excel`: CSV with a byte order mark, ISO times, and `rank`, `ltv`, `messagingWindowClosesAt`',
    ),
})
