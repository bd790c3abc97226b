-- Words are checked by the parser that reads them: a new profile or kind needs no migration.

ALTER TABLE tenants DROP CONSTRAINT tenants_profile_check;
ALTER TABLE deleted_resources DROP CONSTRAINT deleted_resources_kind_check;
ALTER TABLE rotations DROP CONSTRAINT rotations_kind_check;
ALTER TABLE lookup_paths DROP CONSTRAINT lookup_paths_kind_check;
