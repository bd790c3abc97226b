//! The tables, once for both databases (`migrations/postgres`, `migrations/sqlite`).

pub(crate) mod types {
    //! SQL types that each database spells its own way.

    use diesel::{
        backend::Backend,
        deserialize::{self, FromSql, FromSqlRow},
        expression::AsExpression,
        pg::{Pg, PgValue},
        query_builder::QueryId,
        serialize::{self, IsNull, Output, ToSql},
        sql_types::{self, SqlType},
        sqlite::Sqlite,
    };
    use std::io::Write;
    use uuid::Uuid;

    /// An id: `uuid` in PostgreSQL, a BLOB of 16 bytes in SQLite.
    #[derive(Clone, Copy, Debug, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
    pub struct Key;

    impl sql_types::SqlOrd for Key {}

    /// JSON kept as its text: `json` in PostgreSQL, TEXT in SQLite.
    #[derive(Clone, Copy, Debug, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 114, array_oid = 199), sqlite_type(name = "Text"))]
    pub struct JsonText;

    /// A value of [`Key`].
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
    #[diesel(sql_type = Key)]
    pub struct Id(pub Uuid);

    /// A value of [`JsonText`].
    #[derive(Clone, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
    #[diesel(sql_type = JsonText)]
    pub struct Json(pub String);

    impl ToSql<Key, Pg> for Id {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            out.write_all(self.0.as_bytes())?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<Key, Pg> for Id {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            Ok(Id(Uuid::from_slice(value.as_bytes())?))
        }
    }

    impl ToSql<Key, Sqlite> for Id {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0.as_bytes().as_slice());
            Ok(IsNull::No)
        }
    }

    impl FromSql<Key, Sqlite> for Id {
        fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
            let bytes = <Vec<u8> as FromSql<sql_types::Binary, Sqlite>>::from_sql(value)?;
            Ok(Id(Uuid::from_slice(&bytes)?))
        }
    }

    impl ToSql<JsonText, Pg> for Json {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            out.write_all(self.0.as_bytes())?;
            Ok(IsNull::No)
        }
    }

    impl FromSql<JsonText, Pg> for Json {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            Ok(Json(std::str::from_utf8(value.as_bytes())?.to_owned()))
        }
    }

    impl ToSql<JsonText, Sqlite> for Json {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0.as_str());
            Ok(IsNull::No)
        }
    }

    impl FromSql<JsonText, Sqlite> for Json {
        fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
            <String as FromSql<sql_types::Text, Sqlite>>::from_sql(value).map(Json)
        }
    }
}

diesel::table! {
    tenants (id) {
        id -> crate::schema::types::Key,
        label -> Text,
        name -> Text,
        profile -> Text,
        state -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    secret_tokens (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        key_id -> Text,
        digest -> Binary,
        label -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        first_used_at -> Nullable<BigInt>,
        last_used_from -> Nullable<Text>,
        last_used_for -> Nullable<Text>,
    }
}

diesel::table! {
    clock (id) {
        id -> SmallInt,
        seen -> BigInt,
        steady_since -> BigInt,
    }
}

diesel::table! {
    erasures (tenant_id) {
        tenant_id -> crate::schema::types::Key,
    }
}

diesel::table! {
    feeds (tenant_id) {
        tenant_id -> crate::schema::types::Key,
        position -> BigInt,
        has_lookup_paths -> Bool,
        user_count -> BigInt,
        active_user_count -> BigInt,
        group_count -> BigInt,
        membership_count -> BigInt,
        byte_count -> BigInt,
        user_name_key_version -> SmallInt,
        user_names_keyed_to -> Nullable<crate::schema::types::Key>,
    }
}

diesel::table! {
    users (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        user_name -> Text,
        external_id -> Nullable<Text>,
        display_name -> Nullable<Text>,
        active -> Bool,
        work_email -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        modified_at -> BigInt,
        document -> crate::schema::types::JsonText,
    }
}

diesel::table! {
    groups (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        external_id -> Nullable<Text>,
        display_name -> Nullable<Text>,
        version -> BigInt,
        created_at -> BigInt,
        modified_at -> BigInt,
        document -> crate::schema::types::JsonText,
        member_count -> BigInt,
    }
}

diesel::table! {
    group_members (tenant_id, group_id, member_id) {
        tenant_id -> crate::schema::types::Key,
        group_id -> crate::schema::types::Key,
        member_id -> crate::schema::types::Key,
        member_is_group -> Bool,
    }
}

diesel::table! {
    deleted_resources (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        kind -> Text,
        deleted_at -> BigInt,
        actor -> Nullable<crate::schema::types::Key>,
        version -> BigInt,
        created_at -> BigInt,
        document -> crate::schema::types::JsonText,
        groups -> crate::schema::types::JsonText,
        purging -> Bool,
        member_count -> BigInt,
    }
}

diesel::table! {
    change_log (tenant_id, position) {
        tenant_id -> crate::schema::types::Key,
        position -> BigInt,
        at -> BigInt,
        actor -> Nullable<crate::schema::types::Key>,
        kind -> Text,
        resource_id -> crate::schema::types::Key,
        event -> Text,
        version -> BigInt,
        before -> Nullable<crate::schema::types::JsonText>,
        after -> Nullable<crate::schema::types::JsonText>,
        members -> Nullable<crate::schema::types::JsonText>,
        effects -> crate::schema::types::JsonText,
        is_change -> Bool,
        old_values -> Nullable<crate::schema::types::JsonText>,
    }
}

diesel::table! {
    oauth_clients (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        label -> Text,
        created_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    client_secrets (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        client_id -> crate::schema::types::Key,
        key_id -> Text,
        hash -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        first_used_at -> Nullable<BigInt>,
        last_used_from -> Nullable<Text>,
        last_used_for -> Nullable<Text>,
    }
}

diesel::table! {
    federations (tenant_id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        client_id -> crate::schema::types::Key,
        issuer -> Text,
        subject -> Text,
        audience -> Text,
        jwks_url -> Text,
        created_at -> BigInt,
        last_used_at -> Nullable<BigInt>,
        first_used_at -> Nullable<BigInt>,
        last_used_from -> Nullable<Text>,
        last_used_for -> Nullable<Text>,
    }
}

diesel::table! {
    used_assertions (tenant_id, digest) {
        tenant_id -> crate::schema::types::Key,
        digest -> Binary,
        expires_at -> BigInt,
    }
}

diesel::table! {
    lookup_paths (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> BigInt,
        kind -> Text,
        path -> Text,
        version -> SmallInt,
        state -> Text,
        filled_to -> Nullable<crate::schema::types::Key>,
        filled_at -> Nullable<BigInt>,
        created_at -> BigInt,
        used_at -> BigInt,
        uses -> BigInt,
    }
}

diesel::table! {
    lookup_keys (tenant_id, path_id, key, resource_id) {
        tenant_id -> crate::schema::types::Key,
        path_id -> BigInt,
        key -> Text,
        resource_id -> crate::schema::types::Key,
    }
}

diesel::table! {
    signing_keys (id) {
        id -> crate::schema::types::Key,
        private_key -> Binary,
        signs_from -> BigInt,
        signs_until -> BigInt,
        published_until -> BigInt,
    }
}

diesel::table! {
    rotations (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        kind -> Text,
        old_id -> crate::schema::types::Key,
        old_key_id -> Text,
        new_id -> crate::schema::types::Key,
        new_key_id -> Text,
        started_at -> BigInt,
        automatic -> Bool,
        ended_at -> Nullable<BigInt>,
        outcome -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tenants, secret_tokens);

diesel::table! {
    operators (id) {
        id -> crate::schema::types::Key,
        name -> Text,
        role -> Text,
        state -> Text,
        password_hash -> Text,
        password_is_once -> Bool,
        totp_secret -> Nullable<Binary>,
        totp_is_confirmed -> Bool,
        totp_last_step -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    operator_sessions (digest) {
        digest -> Binary,
        operator_id -> crate::schema::types::Key,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
        by_openid -> Bool,
    }
}

diesel::table! {
    operator_api_tokens (id) {
        id -> crate::schema::types::Key,
        operator_id -> crate::schema::types::Key,
        key_id -> Text,
        digest -> Binary,
        label -> Text,
        role -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    audit_log (position) {
        position -> BigInt,
        at -> BigInt,
        actor -> Text,
        origin -> Text,
        action -> Text,
        target -> Text,
        tenant -> Nullable<crate::schema::types::Key>,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        hash -> Binary,
    }
}

diesel::table! {
    audit_head (id) {
        id -> Integer,
        position -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    setup_links (tenant_id, id) {
        tenant_id -> crate::schema::types::Key,
        id -> crate::schema::types::Key,
        label -> Text,
        digest -> Binary,
        created_at -> BigInt,
        created_by -> Text,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        opened_at -> Nullable<BigInt>,
        opened_from -> Nullable<Text>,
        session_digest -> Nullable<Binary>,
        session_ends_at -> Nullable<BigInt>,
        secret_token_id -> Nullable<crate::schema::types::Key>,
        tokens_issued -> Nullable<Integer>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(tenants, setup_links);
diesel::allow_tables_to_appear_in_same_query!(operators, operator_sessions);
diesel::allow_tables_to_appear_in_same_query!(operators, operator_api_tokens);
diesel::allow_tables_to_appear_in_same_query!(tenants, oauth_clients, client_secrets);
