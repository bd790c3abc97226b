-- How many users are active is counted as all of them without these: both counts read an index alone (docs/adr/0020).
-- Few users are inactive, and a row enters or leaves this index only when that changes.
CREATE INDEX users_inactive ON users (tenant_id) WHERE NOT active;
