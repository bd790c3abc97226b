-- users.user_name holds a key of userName (docs/adr/0034). Version 1 of the key was lower case alone.
ALTER TABLE feeds
    -- Of the function that has made the keys of all users of the tenant.
    ADD COLUMN user_name_key_version smallint NOT NULL DEFAULT 1,
    -- Up to which user the keys of the next version are made; NULL before the first, and when all are.
    ADD COLUMN user_names_keyed_to uuid;

-- Users whose key belonged to another user when the keys were made. Such a user is stored under kept_key. A row where that
-- is over is ignored, and goes when the gateway next looks.
CREATE TABLE user_name_collisions (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    kept_key   text COLLATE "C" NOT NULL,
    wanted_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
ALTER TABLE user_name_collisions ALTER COLUMN tenant_id SET (n_distinct = 1);
