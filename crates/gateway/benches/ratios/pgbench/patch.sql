\set n random(0, {last})
SELECT id, version, document FROM users WHERE tenant_id = '{tenant}' AND user_name = 'seed' || :n || '@example.com' \gset
WITH f AS (UPDATE feeds SET position = position + 1 WHERE tenant_id = '{tenant}' RETURNING tenant_id, position),
u AS (UPDATE users r SET version = r.version + 1, modified_at = 1795521600000, display_name = 'test person', document = :document
  FROM f WHERE r.tenant_id = f.tenant_id AND r.id = :id AND r.version = :version RETURNING r.tenant_id, r.id, r.version, r.document)
INSERT INTO change_log (tenant_id, position, at, kind, resource_id, event, version, before, after, effects, is_change)
  SELECT u.tenant_id, f.position, 1795521600000, 'User', u.id, 'patch', u.version, :document, u.document, '[]', true FROM u, f;
