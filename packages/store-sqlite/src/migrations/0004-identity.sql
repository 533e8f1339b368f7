-- Tells this store and its backups from every other one.
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  store_id TEXT NOT NULL
) STRICT;

INSERT INTO identity (id, store_id) VALUES (1, lower(hex(randomblob(16))));
