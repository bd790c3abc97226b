-- What each table and column holds, for people who look at the database. "Control" and "Data" are the halves of
-- crates/store/tests/statements/halves/tables.rs.

COMMENT ON TABLE tenants IS 'Tenants: each is one company. Control.';
COMMENT ON COLUMN tenants.id IS 'Key: a UUID of version 7.';
COMMENT ON COLUMN tenants.label IS 'The tenant''s part of the Tenant URL: a DNS label.';
COMMENT ON COLUMN tenants.name IS 'The name that support gave it.';
COMMENT ON COLUMN tenants.profile IS 'How its client speaks SCIM: entra, rfc or interop.';
COMMENT ON COLUMN tenants.state IS 'active or suspended.';
COMMENT ON COLUMN tenants.created_at IS 'When it was opened. Milliseconds since 1970.';

COMMENT ON TABLE erasures IS 'Tenants that are being erased. Control.';
COMMENT ON COLUMN erasures.tenant_id IS 'The tenant.';

COMMENT ON TABLE secret_tokens IS 'Secret Tokens of tenants, without the token. Control.';
COMMENT ON COLUMN secret_tokens.tenant_id IS 'The tenant.';
COMMENT ON COLUMN secret_tokens.id IS 'Key: a UUID of version 7.';
COMMENT ON COLUMN secret_tokens.key_id IS 'The part of the token by which people speak of it.';
COMMENT ON COLUMN secret_tokens.digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN secret_tokens.label IS 'A word of the operator''s.';
COMMENT ON COLUMN secret_tokens.created_at IS 'When it was issued. Milliseconds since 1970.';
COMMENT ON COLUMN secret_tokens.expires_at IS 'From when on it is refused; NULL never. Milliseconds since 1970.';
COMMENT ON COLUMN secret_tokens.revoked_at IS 'Since when it is revoked. Milliseconds since 1970.';
COMMENT ON COLUMN secret_tokens.last_used_at IS 'When it was last used, some seconds late. Milliseconds since 1970.';
COMMENT ON COLUMN secret_tokens.first_used_at IS 'When it was first used. Milliseconds since 1970.';
COMMENT ON COLUMN secret_tokens.last_used_from IS 'The address that the last use came from.';
COMMENT ON COLUMN secret_tokens.last_used_for IS 'Method and route of the last use.';

COMMENT ON TABLE oauth_clients IS 'OAuth clients of tenants. Control.';
COMMENT ON COLUMN oauth_clients.tenant_id IS 'The tenant.';
COMMENT ON COLUMN oauth_clients.id IS 'The client id.';
COMMENT ON COLUMN oauth_clients.label IS 'A word of the operator''s.';
COMMENT ON COLUMN oauth_clients.created_at IS 'When it was made. Milliseconds since 1970.';
COMMENT ON COLUMN oauth_clients.revoked_at IS 'Since when it is revoked. Milliseconds since 1970.';

COMMENT ON TABLE client_secrets IS 'Secrets of OAuth clients, as hashes. Control.';
COMMENT ON COLUMN client_secrets.tenant_id IS 'The tenant.';
COMMENT ON COLUMN client_secrets.id IS 'Key: a UUID of version 7.';
COMMENT ON COLUMN client_secrets.client_id IS 'The client that it belongs to.';
COMMENT ON COLUMN client_secrets.key_id IS 'The part of the secret by which people speak of it.';
COMMENT ON COLUMN client_secrets.hash IS 'argon2id, as a PHC string.';
COMMENT ON COLUMN client_secrets.created_at IS 'When it was issued. Milliseconds since 1970.';
COMMENT ON COLUMN client_secrets.expires_at IS 'From when on it is refused. Milliseconds since 1970.';
COMMENT ON COLUMN client_secrets.revoked_at IS 'Since when it is revoked. Milliseconds since 1970.';
COMMENT ON COLUMN client_secrets.last_used_at IS 'When it was last used, some seconds late. Milliseconds since 1970.';
COMMENT ON COLUMN client_secrets.first_used_at IS 'When it was first used. Milliseconds since 1970.';
COMMENT ON COLUMN client_secrets.last_used_from IS 'The address that the last use came from.';
COMMENT ON COLUMN client_secrets.last_used_for IS 'Method and route of the last use.';

COMMENT ON TABLE federations IS 'Whose assertions a tenant takes in place of a secret (RFC 7523). Control.';
COMMENT ON COLUMN federations.tenant_id IS 'The tenant.';
COMMENT ON COLUMN federations.id IS 'Key of these terms: new whenever they change.';
COMMENT ON COLUMN federations.client_id IS 'The client that authenticates so.';
COMMENT ON COLUMN federations.issuer IS 'iss of the assertions.';
COMMENT ON COLUMN federations.subject IS 'sub of the assertions.';
COMMENT ON COLUMN federations.audience IS 'aud of the assertions.';
COMMENT ON COLUMN federations.jwks_url IS 'Where the issuer publishes its keys.';
COMMENT ON COLUMN federations.created_at IS 'When these terms were set. Milliseconds since 1970.';
COMMENT ON COLUMN federations.last_used_at IS 'When it was last used, some seconds late. Milliseconds since 1970.';
COMMENT ON COLUMN federations.first_used_at IS 'When it was first used. Milliseconds since 1970.';
COMMENT ON COLUMN federations.last_used_from IS 'The address that the last use came from.';
COMMENT ON COLUMN federations.last_used_for IS 'Method and route of the last use.';

COMMENT ON TABLE used_assertions IS 'Assertions that were used and are still good: each is good once. Control.';
COMMENT ON COLUMN used_assertions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN used_assertions.digest IS 'SHA-256 of the assertion.';
COMMENT ON COLUMN used_assertions.expires_at IS 'When the assertion ends, and the row can go. Milliseconds since 1970.';

COMMENT ON TABLE signing_keys IS 'Key pairs that sign access tokens of all tenants. Control.';
COMMENT ON COLUMN signing_keys.id IS 'The key id.';
COMMENT ON COLUMN signing_keys.private_key IS 'Ed25519, PKCS #8.';
COMMENT ON COLUMN signing_keys.signs_from IS 'From when on it signs; it is published earlier. Milliseconds since 1970.';
COMMENT ON COLUMN signing_keys.signs_until IS 'From when on its successor signs. Milliseconds since 1970.';
COMMENT ON COLUMN signing_keys.published_until IS 'From when on no token of it is good. Milliseconds since 1970.';

COMMENT ON TABLE rotations IS 'Credentials that take the place of others, in steps. Control.';
COMMENT ON COLUMN rotations.tenant_id IS 'The tenant.';
COMMENT ON COLUMN rotations.id IS 'Key: a UUID of version 7.';
COMMENT ON COLUMN rotations.kind IS 'secret-token or client-secret.';
COMMENT ON COLUMN rotations.old_id IS 'The credential that shall end.';
COMMENT ON COLUMN rotations.old_key_id IS 'Its key id.';
COMMENT ON COLUMN rotations.new_id IS 'The credential in its place.';
COMMENT ON COLUMN rotations.new_key_id IS 'Its key id.';
COMMENT ON COLUMN rotations.started_at IS 'When it was started. Milliseconds since 1970.';
COMMENT ON COLUMN rotations.automatic IS 'Whether a gateway completes it as soon as that is safe.';
COMMENT ON COLUMN rotations.ended_at IS 'When it has ended. Milliseconds since 1970.';
COMMENT ON COLUMN rotations.outcome IS 'completed or cancelled; NULL while it is under way.';

COMMENT ON TABLE setup_links IS 'Links by which a customer''s administrator sets up provisioning. Control.';
COMMENT ON COLUMN setup_links.tenant_id IS 'The tenant.';
COMMENT ON COLUMN setup_links.id IS 'Key: a UUID of version 7.';
COMMENT ON COLUMN setup_links.label IS 'For whom, in the operator''s words.';
COMMENT ON COLUMN setup_links.digest IS 'SHA-256 of the link''s token.';
COMMENT ON COLUMN setup_links.created_at IS 'When it was made. Milliseconds since 1970.';
COMMENT ON COLUMN setup_links.created_by IS 'Who made it, as the audit log names them.';
COMMENT ON COLUMN setup_links.expires_at IS 'From when on it cannot be opened. Milliseconds since 1970.';
COMMENT ON COLUMN setup_links.revoked_at IS 'Since when it is revoked. Milliseconds since 1970.';
COMMENT ON COLUMN setup_links.opened_at IS 'When it was opened: once. Milliseconds since 1970.';
COMMENT ON COLUMN setup_links.opened_from IS 'The address that it was opened from.';
COMMENT ON COLUMN setup_links.session_digest IS 'SHA-256 of the cookie of the browser that opened it.';
COMMENT ON COLUMN setup_links.session_ends_at IS 'When that session ends. Milliseconds since 1970.';
COMMENT ON COLUMN setup_links.secret_token_id IS 'The Secret Token that it issued last.';
COMMENT ON COLUMN setup_links.tokens_issued IS 'How many Secret Tokens it has issued.';

COMMENT ON TABLE operators IS 'People who work in the admin service. Control.';
COMMENT ON COLUMN operators.id IS 'Key: a UUID of version 7.';
COMMENT ON COLUMN operators.name IS 'Name to sign in with, in lower case.';
COMMENT ON COLUMN operators.role IS 'viewer, support or admin.';
COMMENT ON COLUMN operators.state IS 'active or disabled.';
COMMENT ON COLUMN operators.password_hash IS 'argon2id, as a PHC string.';
COMMENT ON COLUMN operators.password_is_once IS 'Whether somebody else gave the password, so that it must be changed.';
COMMENT ON COLUMN operators.totp_secret IS 'The secret of the second factor.';
COMMENT ON COLUMN operators.totp_is_confirmed IS 'Whether a code of it was seen; before that it does not count.';
COMMENT ON COLUMN operators.totp_last_step IS 'The newest time step of which a code was used.';
COMMENT ON COLUMN operators.created_at IS 'When they were added. Milliseconds since 1970.';

COMMENT ON TABLE operator_sessions IS 'Sessions of operators, without the cookie. Control.';
COMMENT ON COLUMN operator_sessions.digest IS 'SHA-256 of the cookie.';
COMMENT ON COLUMN operator_sessions.operator_id IS 'The operator.';
COMMENT ON COLUMN operator_sessions.created_at IS 'Since when. Milliseconds since 1970.';
COMMENT ON COLUMN operator_sessions.seen_at IS 'When it was last used, at most a minute late. Milliseconds since 1970.';
COMMENT ON COLUMN operator_sessions.expires_at IS 'When it ends, whatever happens. Milliseconds since 1970.';
COMMENT ON COLUMN operator_sessions.by_openid IS 'Whether the OpenID provider has said who it is.';

COMMENT ON TABLE operator_api_tokens IS 'Tokens of operators'' scripts, without the token. Control.';
COMMENT ON COLUMN operator_api_tokens.id IS 'Key: a UUID of version 7.';
COMMENT ON COLUMN operator_api_tokens.operator_id IS 'The operator.';
COMMENT ON COLUMN operator_api_tokens.key_id IS 'The part of the token by which people speak of it.';
COMMENT ON COLUMN operator_api_tokens.digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN operator_api_tokens.label IS 'A word of the operator''s.';
COMMENT ON COLUMN operator_api_tokens.role IS 'The most that it may do.';
COMMENT ON COLUMN operator_api_tokens.created_at IS 'When it was made. Milliseconds since 1970.';
COMMENT ON COLUMN operator_api_tokens.expires_at IS 'From when on it is refused. Milliseconds since 1970.';
COMMENT ON COLUMN operator_api_tokens.revoked_at IS 'Since when it is revoked. Milliseconds since 1970.';
COMMENT ON COLUMN operator_api_tokens.last_used_at IS 'When it was last used, at most a minute late. Milliseconds since 1970.';

COMMENT ON TABLE audit_log IS 'What was done by whom: a chain of hashes that no row can leave unseen. Control.';
COMMENT ON COLUMN audit_log.position IS 'Counts from 1, without gaps.';
COMMENT ON COLUMN audit_log.at IS 'When. Milliseconds since 1970.';
COMMENT ON COLUMN audit_log.actor IS 'Who.';
COMMENT ON COLUMN audit_log.origin IS 'From where: an address, or the name of a host.';
COMMENT ON COLUMN audit_log.action IS 'What was done, such as tenant.suspend.';
COMMENT ON COLUMN audit_log.target IS 'What it was done to.';
COMMENT ON COLUMN audit_log.tenant IS 'The tenant that it is about.';
COMMENT ON COLUMN audit_log.before IS 'What was before, as JSON, without secrets.';
COMMENT ON COLUMN audit_log.after IS 'What was after, as JSON, without secrets.';
COMMENT ON COLUMN audit_log.hash IS 'SHA-256 over the row and the hash before it.';

COMMENT ON TABLE audit_head IS 'The end of the audit log: one row. Control.';
COMMENT ON COLUMN audit_head.id IS 'Always 1.';
COMMENT ON COLUMN audit_head.position IS 'Position of the last row.';
COMMENT ON COLUMN audit_head.hash IS 'Its hash.';

COMMENT ON TABLE clock IS 'The latest time that was seen: one row. Control.';
COMMENT ON COLUMN clock.id IS 'Always 1.';
COMMENT ON COLUMN clock.seen IS 'The latest time that any process saw. Milliseconds since 1970.';
COMMENT ON COLUMN clock.steady_since IS 'Since when the clock has not jumped. Milliseconds since 1970.';

COMMENT ON TABLE feeds IS 'One row for each tenant that takes changes. Every change moves it. Data.';
COMMENT ON COLUMN feeds.tenant_id IS 'The tenant.';
COMMENT ON COLUMN feeds.position IS 'Position of the last change.';
COMMENT ON COLUMN feeds.has_lookup_paths IS 'Whether the tenant has, or had, lookup paths.';
COMMENT ON COLUMN feeds.user_count IS 'Number of users.';
COMMENT ON COLUMN feeds.active_user_count IS 'Number of users with active true.';
COMMENT ON COLUMN feeds.group_count IS 'Number of groups.';
COMMENT ON COLUMN feeds.membership_count IS 'Number of memberships.';
COMMENT ON COLUMN feeds.byte_count IS 'Bytes of the stored documents.';
COMMENT ON COLUMN feeds.user_name_key_version IS 'Version of the function that has made the keys of all users.';
COMMENT ON COLUMN feeds.user_names_keyed_to IS 'The last user whose key is of the next version; NULL if none or all are.';

COMMENT ON TABLE users IS 'Users. Data.';
COMMENT ON COLUMN users.tenant_id IS 'The tenant.';
COMMENT ON COLUMN users.id IS 'The SCIM id.';
COMMENT ON COLUMN users.user_name IS 'The key of userName (docs/adr/0034).';
COMMENT ON COLUMN users.external_id IS 'externalId.';
COMMENT ON COLUMN users.display_name IS 'displayName in lower case.';
COMMENT ON COLUMN users.active IS 'active; true if the document has none.';
COMMENT ON COLUMN users.work_email IS 'The work e-mail address in lower case.';
COMMENT ON COLUMN users.version IS 'Counts the changes: the ETag.';
COMMENT ON COLUMN users.created_at IS 'meta.created. Milliseconds since 1970.';
COMMENT ON COLUMN users.modified_at IS 'meta.lastModified. Milliseconds since 1970.';
COMMENT ON COLUMN users.document IS 'The resource without id, meta and groups.';

COMMENT ON TABLE "groups" IS 'Groups. Data.';
COMMENT ON COLUMN "groups".tenant_id IS 'The tenant.';
COMMENT ON COLUMN "groups".id IS 'The SCIM id.';
COMMENT ON COLUMN "groups".external_id IS 'externalId.';
COMMENT ON COLUMN "groups".display_name IS 'displayName in lower case.';
COMMENT ON COLUMN "groups".version IS 'Counts the changes: the ETag.';
COMMENT ON COLUMN "groups".created_at IS 'meta.created. Milliseconds since 1970.';
COMMENT ON COLUMN "groups".modified_at IS 'meta.lastModified. Milliseconds since 1970.';
COMMENT ON COLUMN "groups".document IS 'The resource without id, meta and members.';
COMMENT ON COLUMN "groups".member_count IS 'Number of members.';

COMMENT ON TABLE group_members IS 'Memberships; also those of deleted groups, which nobody sees. Data.';
COMMENT ON COLUMN group_members.tenant_id IS 'The tenant.';
COMMENT ON COLUMN group_members.group_id IS 'The group.';
COMMENT ON COLUMN group_members.member_id IS 'The user or group in it.';
COMMENT ON COLUMN group_members.member_is_group IS 'Whether the member is a group.';

COMMENT ON TABLE deleted_resources IS 'Users and groups that were deleted and can be restored. Data.';
COMMENT ON COLUMN deleted_resources.tenant_id IS 'The tenant.';
COMMENT ON COLUMN deleted_resources.id IS 'The SCIM id.';
COMMENT ON COLUMN deleted_resources.kind IS 'User or Group.';
COMMENT ON COLUMN deleted_resources.deleted_at IS 'When it was deleted. Milliseconds since 1970.';
COMMENT ON COLUMN deleted_resources.actor IS 'The credential that deleted it; NULL is the command line.';
COMMENT ON COLUMN deleted_resources.version IS 'Its last version.';
COMMENT ON COLUMN deleted_resources.created_at IS 'meta.created. Milliseconds since 1970.';
COMMENT ON COLUMN deleted_resources.document IS 'The resource without id, meta, groups and members.';
COMMENT ON COLUMN deleted_resources.groups IS 'Ids of the groups that a user was in, as a JSON array.';
COMMENT ON COLUMN deleted_resources.purging IS 'Whether parts of it are purged: then it cannot be restored.';
COMMENT ON COLUMN deleted_resources.member_count IS 'Number of members that a group comes back with.';

COMMENT ON TABLE change_log IS 'What changed: the feed of each tenant. Data.';
COMMENT ON COLUMN change_log.tenant_id IS 'The tenant.';
COMMENT ON COLUMN change_log.position IS 'Place in the tenant''s feed; gaps are possible.';
COMMENT ON COLUMN change_log.at IS 'When. Milliseconds since 1970.';
COMMENT ON COLUMN change_log.actor IS 'The credential or operator; NULL is the command line.';
COMMENT ON COLUMN change_log.kind IS 'User or Group.';
COMMENT ON COLUMN change_log.resource_id IS 'The SCIM id.';
COMMENT ON COLUMN change_log.event IS 'What happened.';
COMMENT ON COLUMN change_log.version IS 'The version after it.';
COMMENT ON COLUMN change_log.before IS 'The document before, if old_values does not tell it.';
COMMENT ON COLUMN change_log.after IS 'The document after.';
COMMENT ON COLUMN change_log.members IS 'Members that came and went: {"add":[…],"remove":[…]}.';
COMMENT ON COLUMN change_log.effects IS 'What became of each operation, as a JSON array.';
COMMENT ON COLUMN change_log.is_change IS 'Whether it is an event of the feed, not a mere record.';
COMMENT ON COLUMN change_log.old_values IS 'Values of the document before that the change replaced.';

COMMENT ON TABLE lookup_paths IS 'Attributes that a tenant is seen to match on. Data.';
COMMENT ON COLUMN lookup_paths.tenant_id IS 'The tenant.';
COMMENT ON COLUMN lookup_paths.id IS 'Key within the tenant.';
COMMENT ON COLUMN lookup_paths.kind IS 'User or Group.';
COMMENT ON COLUMN lookup_paths.path IS 'The attribute.';
COMMENT ON COLUMN lookup_paths.version IS 'Version of the function that makes its keys.';
COMMENT ON COLUMN lookup_paths.state IS 'filling, filled or ending.';
COMMENT ON COLUMN lookup_paths.filled_to IS 'The last resource whose keys are there.';
COMMENT ON COLUMN lookup_paths.filled_at IS 'Position of the feed at which the keys were complete.';
COMMENT ON COLUMN lookup_paths.created_at IS 'When it was begun. Milliseconds since 1970.';
COMMENT ON COLUMN lookup_paths.used_at IS 'When it was last used. Milliseconds since 1970.';
COMMENT ON COLUMN lookup_paths.uses IS 'How often it was used.';

COMMENT ON TABLE lookup_keys IS 'Keys by which resources are found by those attributes. Data.';
COMMENT ON COLUMN lookup_keys.tenant_id IS 'The tenant.';
COMMENT ON COLUMN lookup_keys.path_id IS 'The path.';
COMMENT ON COLUMN lookup_keys.key IS 'The folded value.';
COMMENT ON COLUMN lookup_keys.resource_id IS 'The resource that has it.';

COMMENT ON TABLE user_name_collisions IS 'Users who are not stored under the key of their name, because another user has it. Data.';
COMMENT ON COLUMN user_name_collisions.tenant_id IS 'The tenant.';
COMMENT ON COLUMN user_name_collisions.id IS 'The user.';
COMMENT ON COLUMN user_name_collisions.kept_key IS 'The key under which the user is stored.';
COMMENT ON COLUMN user_name_collisions.wanted_key IS 'The key of its name.';
