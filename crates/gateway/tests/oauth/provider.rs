//! A real OpenID provider that runs beside the test: the npm package oidc-provider, in `target/oidc`.

use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};
use test_support::Http;

/// What the provider's script gives its one client.
pub(crate) const SUBJECT: &str = "entra-provisioning";
const SECRET: &str = "of-the-provider-not-of-juno";

/// A provider with keys of its own; it ends with this value or with the process.
pub(crate) struct Provider {
    node: Child,
    pub(crate) issuer: String,
}

impl Provider {
    pub(crate) fn start() -> Provider {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/oidc"));
        assert!(
            folder.join("node_modules/oidc-provider").exists(),
            "target/oidc must have the npm package oidc-provider: run `make test`, or make it with `deploy/setup.sh oidc`"
        );
        let mut node = Command::new("node")
            .args(["--input-type=module", "-e", include_str!("../oidc/provider.mjs")])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node runs: `deploy/setup.sh oidc` installs it");
        let lines = BufReader::new(node.stdout.take().expect("stdout")).lines();
        let said = lines.map_while(Result::ok).find_map(|line| serde_json::from_str::<Value>(&line).ok());
        let issuer =
            said.expect("the provider says where it listens")["issuer"].as_str().expect("issuer").to_owned();
        Provider { node, issuer }
    }

    /// The settings of a gateway whose operators sign in here; browsers come back to this address of it.
    pub(crate) fn for_operators<'a>(&'a self, public_url: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("JUNO__ADMIN__PUBLIC_URL", public_url),
            ("JUNO__OPENID__ISSUER", &self.issuer),
            ("JUNO__OPENID__CLIENT_ID", "juno-operators"),
            ("JUNO__OPENID__CLIENT_SECRET", "of-the-operators-client"),
            ("JUNO__OPENID__CLAIM", "sub"),
            ("JUNO__OPENID__NAME", "Sign in with <Contoso>"),
        ]
    }

    /// Ends it early.
    pub(crate) fn stop(&mut self) -> std::io::Result<std::process::ExitStatus> {
        self.node.kill()?;
        self.node.wait()
    }

    pub(crate) fn jwks_url(&self) -> String {
        format!("{}/jwks", self.issuer)
    }

    pub(crate) fn audience(alg: &str) -> String {
        format!("api://juno/{alg}")
    }

    /// A token that the provider signs with this algorithm, for the audience of that name.
    pub(crate) fn assertion(&self, http: &Http, alg: &str) -> String {
        let form = format!("grant_type=client_credentials&resource={}", Provider::audience(alg));
        let basic = super::basic(SUBJECT, SECRET);
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("authorization", basic.as_str())];
        super::access_token(&http.send("POST", &format!("{}/token", self.issuer), &headers, form.as_bytes()))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}
