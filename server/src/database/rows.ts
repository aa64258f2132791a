import { type Kysely, type RawBuilder, sql } from 'kysely'
import { isPostgres } from './dialect.ts'
import { runEach } from './sqlite/connection.ts'

declare global {
  interface JSON {
    /** in the language since ES2026; not yet in TypeScript's library */
    rawJSON(text: string): unknown
  }
}

export type ColumnType = 'bigint' | 'text'
export type ColumnValue = string | number | bigint | null

/**
 * Plain rows as a table of one statement, so that a batch is a few set-based statements on both stores:
 * ``sql`insert into t select k.a from ${rowsTable(db, 'k', { a: 'bigint' }, rows)}` ``.
 *
 * @param columns the names and types of the table's columns, in order
 */
export function rowsTable<S, C extends Record<string, ColumnType>>(
  db: Kysely<S>,
  alias: string,
  columns: C,
  rows: readonly { [name in keyof C]: ColumnValue }[],
): RawBuilder<unknown> {
  const names = Object.keys(columns)
  const list = sql.raw(names.join(', '))
  if (isPostgres(db)) {
    const arrays = names.map((name) => {
      const type = sql.raw(`${columns[name]}[]`)
      return sql`cast(${arrayLiteral(rows.map((row) => row[name] ?? null))} as ${type})`
    })
    return sql`unnest(${sql.join(arrays)}) as ${sql.raw(alias)} (${list})`
  }
  const [only, ...others] = names
  const isOne = only !== undefined && others.length === 0
  // an array of one value each would be read twice
  const picked = isOne ? `e.value as ${only}` : names.map((name, index) => `e.value ->> ${index} as ${name}`).join(', ')
  const values = isOne
    ? rows.map((row) => jsonValue(row[only] ?? null))
    : rows.map((row) => names.map((name) => jsonValue(row[name] ?? null)))
  return sql`(select ${sql.raw(picked)} from jsonb_each(${JSON.stringify(values)}) e) as ${sql.raw(alias)}`
}

/** What `updateEach` does: `k` gives what stands for a column of the row that it is done for. */
interface Update<Column extends string, Returned> {
  /** and its alias: `users as u` */
  table: string
  set: (k: (name: Column) => RawBuilder<unknown>) => RawBuilder<unknown>
  /** a condition that an index answers, and more that has to be so */
  on: (k: (name: Column) => RawBuilder<unknown>) => RawBuilder<unknown>
  returning?: RawBuilder<Returned>
}

/**
 * Updates the row of a table that each of these rows names, no two of them the same: in one statement on PostgreSQL; on
 * SQLite, where a join with them costs twice as much as the updates, by a statement for each. One that another transaction is
 * changing is passed over: who must not miss it has it locked.
 *
 * @param name of the statement
 * @returns what the statement returns, in any order
 */
export async function updateEach<S, C extends Record<string, ColumnType>, Returned = never>(
  db: Kysely<S>,
  name: string,
  columns: C,
  rows: readonly { [name in keyof C]: ColumnValue }[],
  { table, set, on, returning }: Update<keyof C & string, Returned>,
): Promise<Returned[]> {
  if (rows.length === 0) return []
  const update = sql`/* ${sql.raw(name)} */ update ${sql.raw(table)} set`
  const end = returning ? sql`returning ${returning}` : sql``
  if (isPostgres(db)) {
    const k = (column: string) => sql.ref(`k.${column}`)
    const before = asBefore(table, [], on(k))
    const from = sql`from ${rowsTable(db, 'k', columns, rows)} ${before.from}`
    return (await sql<Returned>`${update} ${set(k)} ${from} where ${before.where} ${end}`.execute(db)).rows
  }
  const k = (column: string) => sql`${new OfRow(column)}`
  const { sql: text, parameters } = sql`${update} ${set(k)} where ${on(k)} ${end}`.compile(db)
  const lists = rows
    .values()
    .map((row) => parameters.map((value) => (value instanceof OfRow ? row[value.name] : value)))
  // the statement returns rows of this type
  return runEach(db, text, lists) as Returned[]
}

/**
 * Deletes the rows of a table whose columns are those of these rows, the caller having locked them.
 *
 * @param name of the statement
 */
export async function deleteEach<S, C extends Record<string, ColumnType>>(
  db: Kysely<S>,
  name: string,
  { table, orgId, columns }: { table: string; orgId: number; columns: C },
  rows: readonly { [name in keyof C]: ColumnValue }[],
): Promise<void> {
  if (rows.length === 0) return
  const names = Object.keys(columns)
  const k = rowsTable(db, 'k', columns, rows)
  const same = sql.raw(names.map((column) => `t.${column} = k.${column}`).join(' and '))
  const which = isPostgres(db)
    ? sql`t.ctid = any(array(
        select before.place from ${k} ${asBefore(`${table} as t`, [], sql`t.org_id = ${orgId} and ${same}`).from}))`
    : sql`t.org_id = ${orgId} and (${sql.raw(names.join(', '))}) in (
        select ${sql.raw(names.map((column) => `k.${column}`).join(', '))} from ${k})`
  await sql`/* ${sql.raw(name)} */ delete from ${sql.raw(table)} as t where ${which}`.execute(db)
}

/** A parameter that is each row's own. */
class OfRow {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

/** `k (user_key)`: the users that a statement is about. */
export function userKeysTable<S>(db: Kysely<S>, userKeys: readonly number[]): RawBuilder<unknown> {
  return rowsTable(
    db,
    'k',
    { user_key: 'bigint' },
    userKeys.map((user_key) => ({ user_key })),
  )
}

/**
 * Joins what a table has for each row of those before it: by an index, row by row, whatever PostgreSQL takes the table
 * for. Left to itself it walks an organization that it believes to be small for every batch. SQLite's planner is told.
 *
 * @param on a condition that an index answers
 */
export function joinEach<S>(db: Kysely<S>, table: string, alias: string, on: RawBuilder<unknown>): RawBuilder<unknown> {
  const [from, as] = [sql.raw(`${table} ${alias}`), sql.raw(alias)]
  // the offset keeps the planner from taking it for an ordinary join; xmin is for `isJustInserted`
  return isPostgres(db)
    ? sql`cross join lateral (select xmin, * from ${from} where ${on} offset 0) ${as}`
    : sql`join ${from} on ${on}`
}

/** Keeps a subquery with a condition that an index answers to be asked for each row, as in `joinEach`. */
export function rowByRow<S>(db: Kysely<S>): RawBuilder<unknown> {
  return isPostgres(db) ? sql`offset 0` : sql``
}

export interface LockOptions {
  /** where another transaction has a row, the write is tried again, from its beginning */
  noWait?: boolean
}

/** Like `joinEach`, and each row is locked until the commit: in the order of the rows before them. */
export function lockEach<S>(
  db: Kysely<S>,
  table: string,
  alias: string,
  on: RawBuilder<unknown>,
  { noWait = false }: LockOptions = {},
): RawBuilder<unknown> {
  if (!hasRowLocks(db)) return joinEach(db, table, alias, on)
  const [from, as, wait] = [`${table} ${alias}`, alias, noWait ? 'nowait' : ''].map((text) => sql.raw(text))
  return sql`cross join lateral (select * from ${from} where ${on} for update ${wait}) ${as}`
}

/** An array as PostgreSQL reads it; what the driver makes of an array takes several times as long. */
function arrayLiteral(values: ColumnValue[]): string {
  return `{${values.map((value) => (typeof value === 'string' ? quoted(value) : String(value ?? 'NULL'))).join(',')}}`
}

function quoted(text: string): string {
  return `"${/["\\]/.test(text) ? text.replaceAll(/["\\]/g, '\\$&') : text}"`
}

/** A 64-bit integer keeps all its digits in JSON, and SQLite reads them. */
function jsonValue(value: ColumnValue): unknown {
  if (typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : JSON.rawJSON(String(value))
}

/**
 * A new integer key for each row of an insert … select, counted per table.
 * On SQLite the one writer counts on from the organization's highest; on PostgreSQL a sequence does.
 *
 * @param orgId left out for the organizations themselves
 */
export function newKey<S>(db: Kysely<S>, table: string, column: string, orgId?: number): RawBuilder<number> {
  if (isPostgres(db)) return sql`nextval(${sql.lit(`${table}_keys`)})`
  const ofOrganization = orgId === undefined ? sql`` : sql`where t.org_id = ${orgId}`
  return sql`(
    select coalesce(max(t.${sql.raw(column)}), 0) from ${sql.raw(table)} t ${ofOrganization}
  ) + row_number() over ()`
}

/**
 * Whether a row is one of those that the transaction's last statement has inserted. On SQLite they have the highest row
 * ids; on PostgreSQL their versions are the transaction's own, where it has no savepoint and did not update the others.
 *
 * @param table one that rows are appended to, and its alias in `joinEach`
 * @param inserted how many that statement has inserted
 */
export function isJustInserted<S>(db: Kysely<S>, table: string, alias: string, inserted: number): RawBuilder<unknown> {
  const row = sql.raw(alias)
  return isPostgres(db)
    ? sql`${row}.xmin = pg_current_xact_id()::xid`
    : sql`${row}.rowid > (select max(t.rowid) from ${sql.raw(table)} t) - ${inserted}`
}

/** Whether rows are locked one by one; SQLite's writer holds the whole store. */
export function hasRowLocks<S>(db: Kysely<S>): boolean {
  return isPostgres(db)
}

/**
 * Joins to an update the rows that it is about as they were: `before`. The update locks them in the order of the rows
 * before them, and passes over one that another transaction has changed since the statement began. A table that is joined
 * with itself by its place is looked into by nothing else: an ordinary join, where PostgreSQL takes the table for empty, walks
 * all of it and looks through the rows for each of what it finds. For stores whose rows have locks.
 *
 * @param table  and its alias, if it has one: `users as u`
 * @param columns  of `before`
 * @param on  a condition on the row, by the table's name or alias, that an index answers
 */
export function asBefore(table: string, columns: readonly string[], on: RawBuilder<unknown>) {
  const alias = table.split(' ').at(-1)
  const read = ['ctid as place', 'xmin as version', ...columns].map((column) => `${alias}.${column}`).join(', ')
  return {
    from: sql`cross join lateral (select ${sql.raw(read)} from ${sql.raw(table)} where ${on} offset 0) before`,
    where: sql.raw(`${alias}.ctid = before.place and ${alias}.xmin = before.version`),
  }
}

/** `for update` where rows are locked one by one; SQLite's writer holds the whole store. */
export function forUpdate<S>(db: Kysely<S>): RawBuilder<unknown> {
  return hasRowLocks(db) ? sql`for update` : sql``
}
