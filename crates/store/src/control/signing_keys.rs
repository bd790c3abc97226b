//! Key pairs that sign access tokens.

use crate::{
    connection::read_by,
    data::model::StoreError,
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{signing_keys, types::Id},
    store::Store,
    tx::{Tx, is_inserted},
};
use diesel::prelude::*;
use scim::Timestamp;
use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A key pair that signs access tokens of all tenants.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its key id.
    pub id: Uuid,
    /// Ed25519, PKCS #8; never printed.
    pub private_key: Zeroizing<Vec<u8>>,
    /// From when on it signs; it is published earlier.
    pub signs_from: Timestamp,
    /// From when on its successor signs.
    pub signs_until: Timestamp,
    /// From when on no token of it is alive.
    pub published_until: Timestamp,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, redacted)", self.id)
    }
}

/// The row as it is stored. It is public only because diesel reads [`SigningKey`] by it.
#[doc(hidden)]
#[derive(Queryable)]
pub struct KeyRecord {
    id: Id,
    private_key: Vec<u8>,
    signs_from: i64,
    signs_until: i64,
    published_until: i64,
}

impl From<KeyRecord> for SigningKey {
    fn from(record: KeyRecord) -> Self {
        SigningKey {
            id: record.id.0,
            private_key: Zeroizing::new(record.private_key),
            signs_from: Timestamp(record.signs_from),
            signs_until: Timestamp(record.signs_until),
            published_until: Timestamp(record.published_until),
        }
    }
}

read_by!(SigningKey, KeyRecord);

impl Store {
    /// The keys that sign access tokens, the earliest first.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let all = signing_keys::table.order(signing_keys::signs_from);
        self.read(Lane::Vital, Line::Process, move |tx| all.load(tx.db)).await
    }

    /// Stores a signing key. Returns `false` if another process has stored one that begins at the same time.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn insert_signing_key(&self, key: SigningKey) -> Result<bool, StoreError> {
        let insert = move |tx: &mut Tx<'_>| {
            let row = diesel::insert_into(signing_keys::table).values((
                signing_keys::id.eq(Id(key.id)),
                signing_keys::private_key.eq(key.private_key.as_slice()),
                signing_keys::signs_from.eq(key.signs_from.0),
                signing_keys::signs_until.eq(key.signs_until.0),
                signing_keys::published_until.eq(key.published_until.0),
            ));
            is_inserted(row.execute(tx.db))
        };
        self.write_one(Lane::Vital, Line::Process, insert).await
    }

    /// Deletes the signing keys that are not published any more.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn delete_signing_keys(&self, now: Timestamp) -> Result<(), StoreError> {
        let ended = signing_keys::table.filter(signing_keys::published_until.le(now.0));
        let delete = move |tx: &mut Tx<'_>| diesel::delete(ended).execute(tx.db).map(drop);
        self.write_one(Lane::Operators, Line::Process, delete).await
    }
}
