import { chmodSync, closeSync, openSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type Dialect, SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';

/** Wait for another process that is writing, before a statement fails. */
const BUSY_TIMEOUT_MS = 5_000;

const ownerOnly = 0o600;

/** Kysely's SQLite dialect over `node:sqlite`. Creates the file readable by its owner only; `:memory:` for tests. */
export function sqliteDialect(file: string): Dialect {
  if (file !== ':memory:') {
    closeSync(openSync(file, 'a', ownerOnly));
    chmodSync(file, ownerOnly);
  }
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;');
  return new SqliteDialect({ database: adapt(database) });
}

function adapt(database: DatabaseSync): SqliteDatabase {
  return { prepare: (sql) => adaptStatement(database.prepare(sql)), close: () => database.close() };
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[];
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...values(parameters)),
    run: (parameters) => statement.run(...values(parameters)),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  };
}
