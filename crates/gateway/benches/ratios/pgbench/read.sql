\set n random(0, {last})
SELECT id, version, created_at, modified_at, document FROM users WHERE tenant_id = '{tenant}' AND user_name = 'seed' || :n || '@example.com';
