WITH u AS (INSERT INTO users (tenant_id, id, user_name, external_id, display_name, active, work_email, version, created_at, modified_at, document)
  SELECT '{tenant}', gen_random_uuid(), n.name, n.name, 'test person', true, n.name, 1, 1795521600000, 1795521600000, '{document}'
  FROM (SELECT gen_random_uuid()::text AS name) n ON CONFLICT DO NOTHING RETURNING tenant_id, id, version, document, nextval('bench_position') AS position)
INSERT INTO change_log (tenant_id, position, at, actor, kind, resource_id, event, version, after, effects, is_change)
  SELECT tenant_id, position, 1795521600000, '00000000-0000-0000-0000-000000000007', 'User', id, 'create', version, document, '[]', true FROM u;
