-- Finds the session that a request has made. Ids were made from requests before, so they are what these are known by.
ALTER TABLE session ADD COLUMN request_key TEXT;

UPDATE session SET request_key = session_id;

CREATE UNIQUE INDEX session_by_request ON session (tenant, request_key);
