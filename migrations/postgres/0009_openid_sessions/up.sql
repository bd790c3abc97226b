-- Whether a session was begun at the OpenID provider, which has asked for every factor (docs/adr/0017).
ALTER TABLE operator_sessions ADD COLUMN by_openid boolean NOT NULL DEFAULT false;
