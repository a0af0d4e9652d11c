'use strict';

// mem0ai/oss imports better-sqlite3, which compiles at install time. Here it gets the same calls on libsql. Two things
// differ and are evened out: libsql gives blobs as ArrayBuffer, and takes a lone buffer for a set of named parameters.
const Libsql = require('libsql');

function bound(parameters) {
  const [first] = parameters;
  const isNamed = parameters.length === 1 && typeof first === 'object' && first !== null && !Buffer.isBuffer(first);
  return isNamed ? first : parameters;
}

function withBuffers(row) {
  if (typeof row !== 'object' || row === null) return row;
  for (const [column, value] of Object.entries(row)) if (value instanceof ArrayBuffer) row[column] = Buffer.from(value);
  return row;
}

class Statement {
  #inner;

  constructor(inner) {
    this.#inner = inner;
  }

  run(...parameters) {
    return this.#inner.run(bound(parameters));
  }

  get(...parameters) {
    return withBuffers(this.#inner.get(bound(parameters)));
  }

  all(...parameters) {
    return this.#inner.all(bound(parameters)).map(withBuffers);
  }
}

class Database {
  #inner;

  constructor(path, options) {
    this.#inner = new Libsql(path, options);
  }

  prepare(sql) {
    return new Statement(this.#inner.prepare(sql));
  }

  exec(sql) {
    this.#inner.exec(sql);
    return this;
  }

  pragma(source, options) {
    return this.#inner.pragma(source, options);
  }

  transaction(work) {
    return this.#inner.transaction(work);
  }

  close() {
    this.#inner.close();
    return this;
  }
}

module.exports = Database;
