-- Ordinals never come back, since pages of lists go by them.
CREATE TABLE session (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  session_id TEXT NOT NULL,
  subject TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  root_id TEXT NOT NULL,
  branched_from TEXT,
  branched_at INTEGER,
  turns INTEGER NOT NULL,
  last_turn INTEGER,
  held_by TEXT,
  body BLOB,
  blob INTEGER
) STRICT;

CREATE UNIQUE INDEX session_by_id ON session (tenant, session_id);

CREATE INDEX session_by_tenant ON session (tenant);

CREATE INDEX session_by_subject ON session (tenant, subject);

-- Each names the one before it. Branches share them: `needed_by` counts the turns after it and the sessions that end with it.
CREATE TABLE session_turn (
  id INTEGER PRIMARY KEY,
  before INTEGER,
  number INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  run_id TEXT NOT NULL,
  needed_by INTEGER NOT NULL
) STRICT;

CREATE INDEX session_turn_by_run ON session_turn (tenant, run_id);

-- A turn may be larger than any payload.
CREATE TABLE session_piece (
  id INTEGER PRIMARY KEY,
  turn INTEGER NOT NULL,
  body BLOB,
  blob INTEGER
) STRICT;

CREATE INDEX session_piece_by_turn ON session_piece (turn);
