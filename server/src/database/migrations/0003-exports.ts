import type { MigrationTypes } from '../migrate.ts'

export function statements({ int, text, table }: MigrationTypes): string[] {
  return [
    table(
      'exports',
      `
      org_id ${int} not null,
      file_name ${text} not null,
      state ${text} not null check (state in ('making', 'stored', 'ended')),
      created_timestamp ${int} not null,
      expires_timestamp ${int} not null,
      primary key (org_id, file_name)`,
    ),
  ]
}
