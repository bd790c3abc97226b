\set n random(0, {last})
SELECT id, version, document FROM users WHERE tenant_id = '{tenant}' AND user_name = 'seed' || :n || '@example.com' \gset
WITH f AS (UPDATE feeds SET position = position + 1, byte_count = byte_count + 1 WHERE tenant_id = '{tenant}' RETURNING tenant_id, position),
u AS (UPDATE users r SET version = r.version + 1, modified_at = 1795521600000, display_name = 'test person', document = :document
  FROM f WHERE r.tenant_id = f.tenant_id AND r.id = :id AND r.version = :version RETURNING r.tenant_id, r.id, r.version, r.document)
INSERT INTO change_log (tenant_id, position, at, actor, kind, resource_id, event, version, old_values, after, effects, is_change)
  SELECT u.tenant_id, f.position, 1795521600000, '00000000-0000-0000-0000-000000000007', 'User', u.id, 'patch', u.version,
    '{"displayName": ["Person 1 12 1234"], "name": {"givenName": ["Given 1234"]}}', u.document,
    '[{"operation": 0, "path": "displayName", "outcome": "coerced", "rule": "operationCase"}, {"operation": 1, "path": "name.givenName", "outcome": "coerced", "rule": "operationCase"}]',
    true FROM u, f;
