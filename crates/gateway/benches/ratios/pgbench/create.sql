WITH f AS (UPDATE feeds SET position = position + 1, user_count = user_count + 1,
  active_user_count = active_user_count + 1, byte_count = byte_count + 500 WHERE tenant_id = '{tenant}' RETURNING tenant_id, position),
u AS (INSERT INTO users (tenant_id, id, user_name, external_id, display_name, active, work_email, version, created_at, modified_at, document)
  SELECT f.tenant_id, gen_random_uuid(), n.name, n.name, 'test person', true, n.name, 1, 1795521600000, 1795521600000, '{document}'
  FROM f, (SELECT gen_random_uuid()::text AS name) n ON CONFLICT DO NOTHING RETURNING tenant_id, id, version, document)
INSERT INTO change_log (tenant_id, position, at, actor, kind, resource_id, event, version, after, effects, is_change)
  SELECT u.tenant_id, f.position, 1795521600000, '00000000-0000-0000-0000-000000000007', 'User', u.id, 'create', u.version, u.document, '[]', true FROM u, f;
