-- Lookup keys (docs/adr/0024): by them, resources are found that a filter compares by `eq` in an attribute that has no column.
-- Only what a tenant has been seen to match on is kept.

-- The paths in use, at most eight of a tenant. A batch reads those of its tenants with their feeds: to add one moves the
-- feed, so that no other process writes a resource without its keys.
CREATE TABLE lookup_paths (
    tenant_id   uuid     NOT NULL,
    -- The position of the feed at which it came: no number is used again.
    id          bigint   NOT NULL,
    kind        text     NOT NULL CHECK (kind IN ('User', 'Group')),
    -- As a filter writes it: title, emails.value.
    path        text     COLLATE "C" NOT NULL,
    -- Of the function that makes keys. A process that makes others does not keep these up to date, and ends the path.
    version     smallint NOT NULL,
    -- 'filling': keys of new and changed resources are kept, those of the others come in slices. 'filled': the keys are
    -- complete, and trusted. 'ending': no keys are kept any more, and those that there are go in slices.
    state       text     NOT NULL CHECK (state IN ('filling', 'filled', 'ending')),
    -- How far the slices have come: the last resource that was done.
    filled_to   uuid,
    -- The position of the feed at which the keys were complete.
    filled_at   bigint,
    created_at  bigint   NOT NULL,
    -- When it was used last, to the hour, and how often.
    used_at     bigint   NOT NULL,
    uses        bigint   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- Which resources have a key. One that a resource has no more does no harm: what is found is tested as a whole.
CREATE TABLE lookup_keys (
    tenant_id   uuid   NOT NULL,
    path_id     bigint NOT NULL,
    -- Folded; of a long text the beginning.
    key         text   COLLATE "C" NOT NULL,
    resource_id uuid   NOT NULL,
    PRIMARY KEY (tenant_id, path_id, key, resource_id)
);
ALTER TABLE lookup_keys ALTER COLUMN tenant_id SET (n_distinct = 1);

-- Whether a tenant has ever had such paths: the batches of all others are spared the question.
ALTER TABLE feeds ADD COLUMN has_lookup_paths boolean NOT NULL DEFAULT false;
