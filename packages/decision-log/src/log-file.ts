/** One decision as it is on file. What is in the clear is what queries ask for. */
export interface SealedRow {
  readonly timeMs: number;
  readonly tenant: string;
  /** Keyed digest of tenant and subject. */
  readonly subject: string;
  readonly action: string;
  /** Name of the tool, model or agent. */
  readonly resource: string;
  readonly effect: string;
  /** Ids of the rules that decided, as a JSON list. */
  readonly rules: string;
  readonly policyDigest: string;
  readonly keyId: string;
  readonly sealed: Uint8Array;
}

/** What it takes to open a row. */
export interface StoredRow extends Pick<SealedRow, 'timeMs' | 'tenant' | 'keyId' | 'sealed'> {
  readonly id: number;
}

/** A place in the order of the log. */
export interface Position {
  readonly timeMs: number;
  readonly id: number;
}

/** Which decisions; what is absent does not matter. */
export interface RowFilter {
  readonly tenant?: string | undefined;
  /** Of this time or later. */
  readonly sinceMs?: number | undefined;
  /** Earlier than this. */
  readonly untilMs?: number | undefined;
  readonly effect?: 'allow' | 'deny' | 'hold' | undefined;
  readonly action?: string | undefined;
  /** Name of the tool, model or agent. */
  readonly resource?: string | undefined;
  /** Id of a rule that decided. */
  readonly rule?: string | undefined;
}

/** A stretch of the log. */
export interface RowQuery {
  readonly filter: RowFilter;
  readonly order: 'newest' | 'oldest';
  /** Rows after this one in the order. */
  readonly after: Position | undefined;
  /** Rows that came later are left out. */
  readonly idMax: number | undefined;
  readonly rowsMax: number;
}

/** How much is kept. */
export interface Retention {
  /** Older ones go. */
  readonly sinceMs: number;
  readonly entriesMax: number;
}

/** What the thread that owns the file is asked to do. */
export type FileRequest =
  | { readonly kind: 'open'; readonly path: string }
  | { readonly kind: 'insert'; readonly rows: readonly SealedRow[]; readonly retention: Retention }
  | { readonly kind: 'trim'; readonly retention: Retention }
  | { readonly kind: 'read'; readonly query: RowQuery }
  | { readonly kind: 'erase'; readonly subject: string }
  | { readonly kind: 'count'; readonly tenant: string }
  | { readonly kind: 'close' };

/** What it answers. Every answer says how many entries there are now, and the id of the last that was ever written. */
export interface FileAnswer {
  readonly entries: number;
  readonly lastId: number;
  /** Rows that were removed. */
  readonly removed: number;
  readonly rows: readonly StoredRow[];
  /** Rows of the tenant that was asked about. */
  readonly counted: number;
}

/** The file of the log. It is owned by one thread of one process at a time. */
export interface LogFile {
  answer(request: Exclude<FileRequest, { readonly kind: 'open' | 'close' }>): FileAnswer;
  close(): void;
}
