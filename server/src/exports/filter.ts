import { Joi } from '../http/input.ts'
import { type ListRows, listKeys } from '../vip-users/filter.ts'
import type { ExportFormat } from './formats.ts'

/** What a caller may export a list by: its filters, without the page. */
export interface ExportFilter extends ListRows {
  format: ExportFormat
}

const EXPORT_FORMATS: ExportFormat[] = ['csv', 'ndjson', 'excel']

/** @see contract, "GET /vip-users/export" */
export const exportSchema = Joi.object<ExportFilter, true>({
  ...listKeys,
  format: Joi.string()
    .valid(...EXPORT_FORMATS)
    .default('csv')
    .description(
      '`csv`: RFC 4180, text that a spreadsheet would run defused; `ndjson`: the rows unchanged; `excel`: CSV with a byte order mark, ISO times, and `rank`, `ltv`, `messagingWindowClosesAt`',
    ),
})
