import type { MigrationTypes } from '../migrate.ts'

export function statements({ text }: MigrationTypes): string[] {
  return [`alter table exports add column bucket ${text}`]
}
