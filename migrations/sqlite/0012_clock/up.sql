-- The latest time that a process of this database has seen, and since when the clock has run without a jump: one row
-- (docs/adr/0030). What is deleted by its age waits until the clock is known to be right.
CREATE TABLE clock (
    id           SMALLINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seen         BIGINT   NOT NULL,
    steady_since BIGINT   NOT NULL
);
