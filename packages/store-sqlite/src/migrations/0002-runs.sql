-- Ordinals never come back, since pages of lists go by them.
CREATE TABLE run (
  ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'waiting', 'finished')),
  created_at_ms INTEGER NOT NULL,
  finished_at_ms INTEGER,
  input_digest TEXT NOT NULL,
  program_version TEXT NOT NULL,
  has_events INTEGER NOT NULL DEFAULT 1,
  body BLOB,
  blob INTEGER
) STRICT;

CREATE INDEX run_by_tenant ON run (tenant);

CREATE INDEX run_by_state ON run (tenant, state);

CREATE INDEX run_unfinished ON run (ordinal) WHERE state <> 'finished';

CREATE INDEX run_finished ON run (finished_at_ms) WHERE finished_at_ms IS NOT NULL;

CREATE INDEX run_with_events ON run (finished_at_ms) WHERE finished_at_ms IS NOT NULL AND has_events = 1;

-- What changes with each write: apart and narrow, so that a commit of many runs writes few pages.
CREATE TABLE run_tail (
  run INTEGER PRIMARY KEY,
  last_sequence INTEGER NOT NULL
) STRICT;

CREATE TABLE run_input (
  run INTEGER PRIMARY KEY,
  body BLOB,
  blob INTEGER
) STRICT;

-- Rows of all runs one after another, as they come: the same commit fills the same pages. The order within a run is that of the ids.
CREATE TABLE entry (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  body BLOB,
  blob INTEGER
) STRICT;

CREATE INDEX entry_by_run ON entry (run);

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  first_sequence INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL,
  body BLOB,
  blob INTEGER
) STRICT;

CREATE UNIQUE INDEX event_by_run ON event (run, last_sequence);

CREATE TABLE signal (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  name TEXT NOT NULL,
  body BLOB,
  blob INTEGER
) STRICT;

CREATE UNIQUE INDEX signal_by_name ON signal (run, name);

-- Runs that are gone already, and whose rows are being removed.
CREATE TABLE removed_run (run INTEGER PRIMARY KEY) STRICT;
