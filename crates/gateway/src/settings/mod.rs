//! Settings: every key with its type, read from layers, each wrong value named.

mod kinds;
mod layers;
mod reader;

pub(crate) use kinds::{
    Count, DatabaseUrl, HostSuffix, Issuer, LogFilter, LogFormat, PublicUrl, Secret, Size, Word,
};
pub(crate) use layers::Environment;

use crate::origin::Proxies;
use reader::Reader;
use std::{fmt, net::SocketAddr, path::Path, time::Duration};

const KB: usize = 1 << 10;
const MB: usize = 1 << 20;
const GB: usize = 1 << 30;

/// The table of all settings. Each line is a key of `config/default.toml`, where it is explained; the macro makes the
/// types, the reading and the printing of it.
macro_rules! settings {
    ($($section:ident: $Section:ident { $($key:ident: $kind:ty,)+ })+) => {
        /// Everything that can be set.
        #[derive(Clone, Debug)]
        pub(crate) struct Settings { $(pub(crate) $section: $Section,)+ }

        $(
            #[doc = concat!("`[", stringify!($section), "]`; see `config/default.toml`.")]
            #[derive(Clone, Debug)]
            pub(crate) struct $Section { $(pub(crate) $key: $kind,)+ }
        )+

        impl Settings {
            /// Takes every key from the reader, before it is asked whether any was wrong.
            fn take(reader: &mut Reader) -> Option<Settings> {
                $(let $section = {
                    $(let $key = reader.take::<$kind>(concat!(stringify!($section), ".", stringify!($key)));)+
                    (|| Some($Section { $($key: $key?,)+ }))()
                };)+
                Some(Settings { $($section: $section?,)+ })
            }

            /// What is in force, with secrets masked.
            pub(crate) fn show(&self) -> serde_json::Value {
                let mut sections = serde_json::Map::new();
                $({
                    let mut keys = serde_json::Map::new();
                    $(keys.insert(stringify!($key).to_owned(), kinds::Kind::show(&self.$section.$key));)+
                    sections.insert(stringify!($section).to_owned(), keys.into());
                })+
                sections.into()
            }
        }
    };
}

settings! {
    database: Database {
        url: DatabaseUrl,
        readers: Count<0, 1024>,
        batch: Count<1, 1000>,
    }
    capacity: Capacity {
        in_flight_per_tenant: Count<16, 1_000_000>,
        share_per_tenant: Count<10, 1_000_000>,
        bytes_per_tenant: Size<MB, { 1024 * GB }>,
        bytes: Size<MB, { 1024 * GB }>,
        page_bytes: Size<MB, { 1024 * GB }>,
    }
    scim: Scim {
        listen: SocketAddr,
        public_url: Option<PublicUrl>,
        host_suffix: Option<HostSuffix>,
        trusted_proxies: Proxies,
        // The HTTP library takes no more.
        workers: Count<0, 512>,
        max_connections: Count<1, 1_000_000>,
        keep_alive: Duration,
        head_timeout: Duration,
        body_timeout: Duration,
        write_timeout: Duration,
        shutdown_timeout: Duration,
        max_body: Size<KB, GB>,
        bulk_max_operations: Count<1, 1_000_000>,
        page_size: Count<1, 100_000>,
        max_page_size: Count<1, 100_000>,
    }
    provisioning: Provisioning {
        keep_deleted: Duration,
        max_document: Size<{ 4 * KB }, { 64 * MB }>,
    }
    quotas: Quotas {
        users: Count<0, 1_000_000_000>,
        groups: Count<0, 1_000_000_000>,
        memberships: Count<0, 4_000_000_000>,
        bytes: Size<0, { 1024 * GB }>,
    }
    admin: Admin {
        listen: SocketAddr,
        public_url: Option<PublicUrl>,
        trusted_proxies: Proxies,
        max_connections: Count<1, 1_000_000>,
        session_idle: Duration,
        session_lifetime: Duration,
        sign_in_attempts: Count<1, 1000>,
        sign_in_window: Duration,
        max_api_tokens: Count<1, 1000>,
        api_token_lifetime: Duration,
        max_api_token_lifetime: Duration,
    }
    openid: OpenId {
        issuer: Option<Issuer>,
        client_id: Option<Word>,
        client_secret: Option<Secret>,
        name: Word,
        claim: Option<Word>,
        acr: Option<Word>,
    }
    tokens: Tokens {
        cache_ttl: Duration,
        cache_capacity: Count<1, 100_000_000>,
        unknown_rate: Count<1, 1_000_000>,
        unknown_burst: Count<1, 1_000_000>,
        max_per_tenant: Count<1, 1000>,
        lifetime: Duration,
        max_lifetime: Duration,
        silence: Duration,
        rotation_interval: Duration,
        last_used_interval: Duration,
    }
    oauth: Oauth {
        token_lifetime: Duration,
        secret_lifetime: Duration,
        min_secret_lifetime: Duration,
        max_secret_lifetime: Duration,
        max_clients_per_tenant: Count<1, 1000>,
        max_secrets_per_client: Count<1, 100>,
        rate_per_client: Count<1, 1_000_000>,
        signing_key_lifetime: Duration,
    }
    federation: Federation {
        allow_http: bool,
        allow_private_networks: bool,
        keys_lifetime: Duration,
        refetch_interval: Duration,
        timeout: Duration,
    }
    setup: Setup {
        link_lifetime: Duration,
        max_link_lifetime: Duration,
        session_lifetime: Duration,
        max_open_links: Count<1, 1000>,
        max_secret_tokens: Count<1, 100>,
        wrong_links: Count<1, 1_000_000>,
        wrong_links_window: Duration,
    }
    log: Log {
        level: LogFilter,
        format: LogFormat,
    }
}

/// What is wrong with the settings: all of it, each with its key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrongSettings(pub(crate) Vec<String>);

impl fmt::Display for WrongSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Settings {
    /// Reads the layers: built-in, file (if named it must be there), environment.
    ///
    /// # Errors
    /// Every wrong value and every unknown key.
    pub(crate) fn load(file: Option<&Path>, environment: Environment) -> Result<Settings, WrongSettings> {
        let tree = layers::read(file, environment).map_err(|error| WrongSettings(vec![error]))?;
        let mut reader = Reader::new(tree);
        let settings = Settings::take(&mut reader);
        let mut wrong = reader.finish();
        if let Some(settings) = &settings {
            wrong.extend(settings.contradictions());
        }
        settings.filter(|_| wrong.is_empty()).ok_or(WrongSettings(wrong))
    }

    /// Values that are fine alone and not together.
    fn contradictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.scim.public_url.is_none() && !self.scim.listen.ip().is_loopback() {
            wrong.push("scim.public_url: must be set, as scim.listen is not a loopback address".to_owned());
        }
        if self.scim.page_size.get() > self.scim.max_page_size.get() {
            wrong.push("scim.page_size: is more than scim.max_page_size".to_owned());
        }
        if self.capacity.bytes_per_tenant.bytes() > self.capacity.bytes.bytes() {
            wrong.push("capacity.bytes_per_tenant: is more than capacity.bytes".to_owned());
        }
        // Otherwise one body could hold more memory than its tenant has.
        if self.scim.max_body.bytes().saturating_mul(scim_api::MEMORY_PER_BYTE)
            > self.capacity.bytes_per_tenant.bytes()
        {
            wrong.push(format!(
                "scim.max_body: takes {} times its size in memory, which is more than capacity.bytes_per_tenant",
                scim_api::MEMORY_PER_BYTE,
            ));
        }
        if self.capacity.page_bytes.bytes() > self.capacity.bytes_per_tenant.bytes() / 2 {
            wrong.push("capacity.page_bytes: is more than half of capacity.bytes_per_tenant".to_owned());
        }
        // A page has at least one resource, and a disabled user may be twice as large.
        if self.provisioning.max_document.bytes() > self.capacity.page_bytes.bytes() / 2 {
            wrong.push("provisioning.max_document: is more than half of capacity.page_bytes".to_owned());
        }
        if self.tokens.lifetime > self.tokens.max_lifetime {
            wrong.push("tokens.lifetime: is longer than tokens.max_lifetime".to_owned());
        }
        if self.openid.issuer.is_some() {
            let missing = [
                ("admin.public_url", self.admin.public_url.is_none()),
                ("openid.client_id", self.openid.client_id.is_none()),
                ("openid.client_secret", self.openid.client_secret.is_none()),
                ("openid.claim", self.openid.claim.is_none()),
            ];
            let missing = missing.into_iter().filter(|(_, is_missing)| *is_missing);
            wrong.extend(missing.map(|(key, _)| format!("{key}: must be set, as openid.issuer is")));
        }
        if self.admin.api_token_lifetime > self.admin.max_api_token_lifetime {
            wrong.push("admin.api_token_lifetime: is longer than admin.max_api_token_lifetime".to_owned());
        }
        if self.oauth.token_lifetime > keys::MAX_TOKEN_LIFETIME
            || self.oauth.token_lifetime < Duration::from_secs(1)
        {
            wrong.push("oauth.token_lifetime: must be from 1s to 6h".to_owned());
        }
        let (min, max) = (self.oauth.min_secret_lifetime, self.oauth.max_secret_lifetime);
        if min > max {
            wrong.push("oauth.min_secret_lifetime: is longer than oauth.max_secret_lifetime".to_owned());
        } else if !(min..=max).contains(&self.oauth.secret_lifetime) {
            wrong.push("oauth.secret_lifetime: is outside the shortest and the longest".to_owned());
        }
        if self.setup.link_lifetime > self.setup.max_link_lifetime {
            wrong.push("setup.link_lifetime: is longer than setup.max_link_lifetime".to_owned());
        }
        if self.scim.listen.port() != 0 && self.scim.listen == self.admin.listen {
            wrong.push("admin.listen: is the same address as scim.listen".to_owned());
        }
        wrong
    }

    /// The beginning of every Tenant URL, where the SCIM listener is bound to `bound`.
    pub(crate) fn public_url(&self, bound: SocketAddr) -> PublicUrl {
        self.scim.public_url.clone().unwrap_or_else(|| PublicUrl::of_address(bound))
    }
}

#[cfg(test)]
mod tests;
