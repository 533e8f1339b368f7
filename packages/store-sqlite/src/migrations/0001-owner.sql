-- Whoever opens the store raises the epoch; a transaction of an older epoch is refused. `checks` is what a check of the store writes.
CREATE TABLE owner (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL,
  checks INTEGER NOT NULL
) STRICT;

INSERT INTO owner (id, epoch, checks) VALUES (1, 0, 0);

-- Large payloads, each content once. Rows of other tables name them in a column `blob`; without one there, the payload is beside it in `body`.
CREATE TABLE blob (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  bytes BLOB NOT NULL
) STRICT;

-- Apart, so that counting does not write the bytes again.
CREATE TABLE blob_use (
  blob INTEGER PRIMARY KEY,
  uses INTEGER NOT NULL
) STRICT;
