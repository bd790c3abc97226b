//! Layers, and every way in which a setting can be wrong.

use super::*;
use std::io::Write;

fn environment(pairs: &[(&str, &str)]) -> Environment {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn wrong(pairs: &[(&str, &str)]) -> Vec<String> {
    Settings::load(None, environment(pairs)).expect_err("wrong settings").0
}

#[test]
fn the_defaults_are_good_and_need_nothing() {
    let settings = Settings::load(None, Environment::default()).expect("defaults");
    assert_eq!(settings.database.url.file(), Some(Path::new("data/juno.db")));
    assert_eq!(settings.public_url(settings.scim.listen).as_str(), "http://127.0.0.1:8080");
    // Ports of the ephemeral range may be held by an outgoing connection.
    assert!(settings.scim.listen.port() < 32768 && settings.admin.listen.port() < 32768);
}

#[test]
fn the_example_for_production_is_good() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/production.toml");
    let settings = Settings::load(Some(&file), Environment::default()).expect("production");
    assert_eq!(settings.log.format, LogFormat::Json);
    assert_eq!(settings.public_url(settings.scim.listen).as_str(), "https://scim.example.com");
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").expect("file");
    writeln!(file, "[scim]\nlisten = \"127.0.0.1:1\"\npage_size = 7\n[tokens]\ncache_ttl = \"1s\"")
        .expect("written");
    let settings = Settings::load(
        Some(file.path()),
        environment(&[
            ("JUNO__SCIM__LISTEN", "127.0.0.1:2"),
            ("JUNO__DATABASE__READERS", "3"),
            ("JUNO_OTHER", "x"),
        ]),
    )
    .expect("settings");
    assert_eq!(settings.scim.listen.port(), 2);
    assert_eq!(settings.scim.page_size.get(), 7);
    assert_eq!(settings.database.readers.get(), 3);
    assert_eq!(settings.tokens.cache_ttl, Duration::from_secs(1));
    assert_eq!(settings.scim.max_page_size.get(), 1000);
}

#[test]
fn a_named_file_must_be_there_and_be_toml() {
    let missing = Settings::load(Some(Path::new("/nonexistent/juno.toml")), Environment::default());
    assert!(missing.expect_err("missing").to_string().contains("/nonexistent/juno.toml"));
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").expect("file");
    writeln!(file, "[scim\n").expect("written");
    assert!(Settings::load(Some(file.path()), Environment::default()).is_err());
}

#[test]
fn every_wrong_value_is_named_and_all_at_once() {
    let wrong = wrong(&[
        ("JUNO__DATABASE__URL", "mysql://root:hunter2@db/juno"),
        ("JUNO__DATABASE__READERS", "many"),
        ("JUNO__DATABASE__BATCH", "0"),
        ("JUNO__CAPACITY__IN_FLIGHT_PER_TENANT", "-1"),
        ("JUNO__CAPACITY__SHARE_PER_TENANT", "0"),
        ("JUNO__SCIM__LISTEN", "localhost"),
        ("JUNO__SCIM__PUBLIC_URL", "scim.example.com"),
        ("JUNO__SCIM__HOST_SUFFIX", ".example.com"),
        ("JUNO__SCIM__WORKERS", "513"),
        ("JUNO__SCIM__KEEP_ALIVE", "75"),
        ("JUNO__SCIM__MAX_BODY", "99999999999999999999"),
        ("JUNO__TOKENS__CACHE_TTL", "0s"),
        ("JUNO__LOG__LEVEL", "loud"),
        ("JUNO__LOG__FORMAT", "xml"),
        ("JUNO__SCIM__LISTN", "127.0.0.1:80"),
        ("JUNO__NOTHING", "x"),
    ]);
    let keys: Vec<&str> = wrong.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        keys,
        [
            "database.url",
            "database.readers",
            "database.batch",
            "capacity.in_flight_per_tenant",
            "capacity.share_per_tenant",
            "scim.listen",
            "scim.public_url",
            "scim.host_suffix",
            "scim.workers",
            "scim.keep_alive",
            "scim.max_body",
            "tokens.cache_ttl",
            "log.level",
            "log.format",
            "nothing",
            "scim.listn",
        ]
    );
    assert!(!wrong.join("\n").contains("hunter2"), "{wrong:?}");
    assert!(wrong[0].contains("environment"), "{}", wrong[0]);
}

#[test]
fn every_key_refuses_nonsense() {
    let settings = Settings::load(None, Environment::default()).expect("defaults").show();
    let mut count = 0;
    for (section, keys) in settings.as_object().expect("sections") {
        for key in keys.as_object().expect("keys").keys() {
            let name = format!("JUNO__{section}__{key}").to_uppercase();
            let wrong = wrong(&[(&name, "\u{1} no sense")]);
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(wrong[0].starts_with(&format!("{section}.{key}: ")), "{wrong:?}");
            count += 1;
        }
    }
    assert!(count > 25, "{count}");
}

#[test]
fn contradictions_are_named() {
    for (pairs, key) in [
        (&[("JUNO__SCIM__LISTEN", "0.0.0.0:8080")][..], "scim.public_url"),
        (&[("JUNO__SCIM__PAGE_SIZE", "2000")], "scim.page_size"),
        (&[("JUNO__CAPACITY__BYTES", "16MB")], "capacity.bytes_per_tenant"),
        (&[("JUNO__CAPACITY__PAGE_BYTES", "17MB")], "capacity.page_bytes"),
        (&[("JUNO__SCIM__MAX_BODY", "3MB")], "scim.max_body"),
        (&[("JUNO__PROVISIONING__MAX_DOCUMENT", "5MB")], "provisioning.max_document"),
        (&[("JUNO__TOKENS__LIFETIME", "2000d")], "tokens.lifetime"),
        (&[("JUNO__ADMIN__LISTEN", "127.0.0.1:8080")], "admin.listen"),
        (&[("JUNO__OAUTH__TOKEN_LIFETIME", "7h")], "oauth.token_lifetime"),
        (&[("JUNO__OPENID__ISSUER", "https://login.example.com/")], "admin.public_url"),
        (&[("JUNO__OPENID__ISSUER", "https://login.example.com/")], "openid.claim"),
        (&[("JUNO__OPENID__ISSUER", "http://login.example.com")], "openid.issuer"),
        (&[("JUNO__OPENID__ISSUER", "http://localhost.example.com")], "openid.issuer"),
        (&[("JUNO__OPENID__ISSUER", "http://127.0.0.1.example.com/")], "openid.issuer"),
        (&[("JUNO__ADMIN__API_TOKEN_LIFETIME", "366d")], "admin.api_token_lifetime"),
        (&[("JUNO__OAUTH__TOKEN_LIFETIME", "10ms")], "oauth.token_lifetime"),
        (&[("JUNO__OAUTH__SECRET_LIFETIME", "10d")], "oauth.secret_lifetime"),
        (&[("JUNO__OAUTH__MIN_SECRET_LIFETIME", "2000d")], "oauth.min_secret_lifetime"),
        (&[("JUNO__SCIM", "5")], "scim"),
    ] {
        let wrong = wrong(pairs);
        assert!(wrong.iter().any(|line| line.starts_with(&format!("{key}: "))), "{wrong:?}");
    }
}

#[test]
fn a_provider_on_this_machine_needs_no_tls() {
    for issuer in ["http://localhost", "http://localhost:8080/", "http://127.0.0.1:9/x", "http://[::1]:8080"]
    {
        let wrong = wrong(&[("JUNO__OPENID__ISSUER", issuer)]);
        assert!(!wrong.iter().any(|line| line.starts_with("openid.issuer: ")), "{issuer}: {wrong:?}");
    }
}

#[test]
fn a_size_is_a_number_with_a_unit_or_of_bytes() {
    for (text, bytes) in [("1MB", 1 << 20), ("100KB", 102_400), ("20000", 20_000)] {
        let settings = Settings::load(None, environment(&[("JUNO__SCIM__MAX_BODY", text)]));
        assert_eq!(settings.expect("settings").scim.max_body.bytes(), bytes);
    }
    for text in ["1023", "2GB", "1 MB", "-1"] {
        let wrong = wrong(&[("JUNO__SCIM__MAX_BODY", text)]);
        assert!(wrong[0].starts_with("scim.max_body: must be a size from 1KB to 1GB"), "{wrong:?}");
    }
}

#[test]
fn passwords_are_never_shown() {
    for (url, shown) in [
        ("postgres://juno:hunter2@db:5432/juno", "postgres://juno:***@db:5432/juno"),
        ("postgresql://juno:hun@ter2@db/juno?sslmode=require", "postgres://juno:***@db/juno?sslmode=require"),
        ("postgres://db/juno?user=juno&password=hunter2", "postgres://db/juno?user=juno&password=***"),
        ("postgres://juno@db/juno", "postgres://juno@db/juno"),
        ("sqlite:///var/lib/juno.db", "sqlite:///var/lib/juno.db"),
    ] {
        let settings = Settings::load(None, environment(&[("JUNO__DATABASE__URL", url)])).expect("settings");
        assert_eq!(settings.show()["database"]["url"], shown);
        assert!(!format!("{settings:?}").contains("ter2"));
    }
}

#[test]
fn a_host_names_its_tenant() {
    let suffix = ("JUNO__SCIM__HOST_SUFFIX", "SCIM.example.com");
    let settings = Settings::load(None, environment(&[suffix])).expect("settings");
    let suffix = settings.scim.host_suffix.expect("suffix");
    for (host, label) in [
        ("contoso.scim.example.com", Some("contoso")),
        ("Contoso.SCIM.Example.com:8443", Some("contoso")),
        ("scim.example.com", None),
        (".scim.example.com", None),
        ("a.b.scim.example.com", None),
        ("contososcim.example.com", None),
        ("contoso.scim.example.com.evil.com", None),
        ("contoso.scim.example.com:8443@evil.com", None),
        ("contoso.scim.example.com:", None),
        ("con/toso.scim.example.com", None),
        ("", None),
    ] {
        assert_eq!(suffix.label(host).as_deref(), label, "{host}");
    }
}
