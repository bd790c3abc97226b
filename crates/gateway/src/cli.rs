//! The command line as clap reads it.

use crate::duration;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// The Juno provisioning gateway: SCIM 2.0 for Microsoft Entra ID, many tenants at once.
#[derive(Debug, Parser)]
#[command(name = "juno", version, propagate_version = true)]
pub(crate) struct Cli {
    /// Settings file (TOML); without it config/local.toml is read if there is one.
    #[arg(long, global = true, env = "JUNO_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print exactly one JSON object on stdout and nothing else.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) way: Way,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where commands of operators do their work.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// Ask the operators' API at this address, as the operator of an API token, in place of opening the database. The
    /// token is in JUNO_API_TOKEN or in a file. It can do everything but give somebody access: operator create, reset,
    /// enable, role and api-token create are for the machine, or for the console.
    #[arg(long, global = true, env = "JUNO_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// File with the API token for --server.
    #[arg(long, global = true, env = "JUNO_API_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until SIGTERM or SIGINT. With --json, the object is printed once it listens.
    Serve(Serve),
    /// Bring the database up to date; every other command does so too.
    Migrate,
    /// Settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    #[command(flatten)]
    Operators(OperatorsCommand),
}

/// What operators do, on the database or, with --server, over the API.
#[derive(Debug, Subcommand)]
pub(crate) enum OperatorsCommand {
    /// Tenants: customers, each with a Tenant URL of its own.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Secret Tokens of a tenant (TENANT is its label or id).
    #[command(subcommand)]
    Token(TokenCommand),
    /// OAuth clients of a tenant: an id and secrets that are exchanged for access tokens.
    #[command(subcommand)]
    Client(ClientCommand),
    /// Rotations of Secret Tokens and client secrets of a tenant: how far they are, by what was seen.
    #[command(subcommand)]
    Rotation(RotationCommand),
    /// Workload identity federation of a tenant: whose assertions are exchanged for access tokens.
    #[command(subcommand)]
    Federation(FederationCommand),
    /// Setup links of a tenant: by one the customer's administrator gets Tenant URL and Secret Token, once.
    #[command(subcommand)]
    SetupLink(SetupLinkCommand),
    /// Bring a deleted user or group back, with the memberships that are still there. `juno tenant deleted` lists them.
    Restore {
        tenant: String,
        /// Its id.
        id: String,
    },
    /// Operators: people who work in the admin service.
    #[command(subcommand)]
    Operator(OperatorCommand),
    /// The log of every administrative act.
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What this process serves.
    #[arg(long, value_enum, default_value_t = Role::All)]
    pub(crate) role: Role,
}

/// What a process serves. Health and metrics of the process itself are served in every role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Everything.
    All,
    /// Provisioning clients.
    Scim,
    /// Operators only.
    Admin,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the settings and print what is in force, secrets masked.
    Check,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Open a tenant; prints the Tenant URL and the Secret Token that its administrator pastes into Entra.
    Create {
        /// The customer's name.
        name: String,
        /// Its part of the Tenant URL; made from the name if not given.
        #[arg(long)]
        label: Option<String>,
        /// How its provisioning client speaks SCIM.
        #[arg(long, default_value = "entra", value_parser = ["entra", "rfc", "interop"])]
        profile: String,
        /// How long the Secret Token is good, as 90d.
        #[arg(long, value_name = "DURATION", value_parser = read_duration)]
        expires_in: Option<Duration>,
    },
    /// List tenants, all of them or those that a search finds.
    List {
        /// Words, each of which is in the label or in the name.
        #[arg(long, value_name = "WORDS")]
        search: Option<String>,
    },
    /// Show one tenant.
    Show { tenant: String },
    /// Change the name of a tenant, or how its provisioning client speaks SCIM.
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
    Change {
        tenant: String,
        /// The customer's name. The label stays.
        #[arg(long, group = "change")]
        name: Option<String>,
        /// From the next request on.
        #[arg(long, group = "change", value_parser = ["entra", "rfc", "interop"])]
        profile: Option<String>,
    },
    /// Refuse all requests of a tenant with 403, keeping everything.
    Suspend(Confirmed),
    /// End a suspension.
    Resume(Confirmed),
    /// Show what the gateway does of what the IPSIE AL SCIM 2.0 profile asks, tried on a scratch tenant of the same profile.
    Conformance { tenant: String },
    /// Erase a tenant with all its users, groups and credentials, for ever.
    Delete(Confirmed),
    /// Write everything that is kept of a tenant but its secrets, as JSON Lines.
    Export {
        #[command(flatten)]
        tenant: Confirmed,
        /// Into this new file; to stdout if not given, and then nothing else is printed.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// List deleted users and groups, which can be restored until they are purged.
    Deleted { tenant: String },
    /// List users whose userName equals that of another user: an earlier version took the two names for different ones.
    Collisions { tenant: String },
}

/// A tenant to which something is done that its customer notices.
#[derive(Debug, Args)]
pub(crate) struct Confirmed {
    pub(crate) tenant: String,
    /// Really do it: the label of the tenant.
    #[arg(long, value_name = "LABEL")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Issue one more Secret Token; it is shown this one time.
    Issue {
        tenant: String,
        /// A word to know it by.
        #[arg(long, default_value = "")]
        label: String,
        /// How long it is good, as 90d.
        #[arg(long, value_name = "DURATION", value_parser = read_duration)]
        expires_in: Option<Duration>,
    },
    /// List a tenant's tokens, ended ones too. The tokens themselves are not stored and cannot be shown.
    List { tenant: String },
    /// Issue a token in the place of another, which stays good until the rotation is completed (`juno rotation`).
    Rotate {
        tenant: String,
        /// The key id of the old token.
        key_id: String,
        /// End the old token now, whoever still uses it.
        #[arg(long, conflicts_with = "automatic")]
        now: bool,
        /// Have it completed as soon as that is safe.
        #[arg(long)]
        automatic: bool,
        /// How long the new token is good, as 90d.
        #[arg(long, value_name = "DURATION", value_parser = read_duration)]
        expires_in: Option<Duration>,
    },
    /// End a token now.
    Revoke {
        tenant: String,
        /// Its key id.
        key_id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SetupLinkCommand {
    /// Make a link; its address is shown this one time.
    Create {
        tenant: String,
        /// For whom it is, as "Adele Vance, Contoso IT". The audit log has the id of the link instead.
        #[arg(long)]
        label: String,
        /// How long it can be opened, as 72h.
        #[arg(long, value_name = "DURATION", value_parser = read_duration)]
        expires_in: Option<Duration>,
    },
    /// List a tenant's links, ended ones too.
    List { tenant: String },
    /// End a link now, with the setup page that it has opened.
    Revoke {
        tenant: String,
        /// Its id.
        id: String,
        /// End the Secret Token that it has issued, too.
        #[arg(long)]
        secret_token: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OperatorCommand {
    /// Add an operator; prints the one-time password, which must be changed at the first sign-in. Not with --server.
    Create {
        /// To sign in with; upper and lower case do not count.
        name: String,
        /// What they may do.
        #[arg(long, default_value = "viewer", value_parser = ["viewer", "support", "admin"])]
        role: String,
    },
    /// Give an operator a new one-time password; ends every session, every API token and the second factor, and undoes
    /// `disable`. Not with --server.
    Reset { name: String },
    /// Let an operator sign in no more; ends every session and API token.
    Disable { name: String },
    /// Undo `disable`, with the password and the second factor from before. Not with --server.
    Enable { name: String },
    /// Give an operator another role. Not with --server.
    Role {
        name: String,
        #[arg(value_parser = ["viewer", "support", "admin"])]
        role: String,
    },
    /// API tokens: by one, a script uses the operators' API without a password.
    #[command(subcommand)]
    ApiToken(ApiTokenCommand),
    /// List all operators.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiTokenCommand {
    /// Make a token of an operator; prints it, this one time. Not with --server.
    Create {
        /// The operator.
        name: String,
        /// A word to know it by.
        #[arg(long, default_value = "command line")]
        label: String,
        /// The most that it may do; the operator's role unless it is said.
        #[arg(long, value_parser = ["viewer", "support", "admin"])]
        role: Option<String>,
        /// How long it is good, as 90d.
        #[arg(long, value_name = "DURATION", value_parser = read_duration)]
        expires_in: Option<Duration>,
    },
    /// End a token now.
    Revoke {
        /// The part of the token between its prefix and the secret.
        key_id: String,
    },
    /// List the tokens, ended ones too.
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List acts, the newest first.
    List {
        /// Of this tenant alone (label or id).
        #[arg(long)]
        tenant: Option<String>,
        /// How many, 1 to 200.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        count: u32,
        /// `next_cursor` of the page before.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Check that no row was changed, removed or moved. Prints position and hash of the last row: keep them elsewhere to
    /// be able to tell that the whole log was not written anew.
    Verify,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Make an OAuth client; its secret is shown this one time.
    Create {
        tenant: String,
        /// A word to know it by.
        #[arg(long, default_value = "")]
        label: String,
        /// How long the secret is good, as 730d.
        #[arg(long, value_name = "DURATION", value_parser = read_duration)]
        expires_in: Option<Duration>,
    },
    /// List a tenant's clients and their secrets, ended ones too. The secrets themselves cannot be shown.
    List { tenant: String },
    /// Add a secret to a client; it is shown this one time. The others stay good.
    AddSecret {
        tenant: String,
        client_id: String,
        /// How long the secret is good, as 730d.
        #[arg(long, value_name = "DURATION", value_parser = read_duration)]
        expires_in: Option<Duration>,
    },
    /// Issue a secret in the place of another, which stays good until the rotation is completed (`juno rotation`).
    Rotate {
        tenant: String,
        /// The key id of the old secret.
        key_id: String,
        /// End the old secret now, whoever still uses it.
        #[arg(long, conflicts_with = "automatic")]
        now: bool,
        /// Have it completed as soon as that is safe.
        #[arg(long)]
        automatic: bool,
        /// How long the new secret is good, as 730d.
        #[arg(long, value_name = "DURATION", value_parser = read_duration)]
        expires_in: Option<Duration>,
    },
    /// End a secret now, and the access tokens that were issued for it.
    RevokeSecret {
        tenant: String,
        client_id: String,
        /// Its key id.
        key_id: String,
    },
    /// End a client now, with its secrets and access tokens.
    Revoke { tenant: String, client_id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RotationCommand {
    /// List a tenant's rotations, the newest first, ended ones too.
    List {
        tenant: String,
        /// How many, 1 to 200.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        count: u32,
        /// `next_cursor` of the page before.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Show what was seen of the old and the new one, and what to do next.
    Show { tenant: String, id: String },
    /// End the old one. Refused before that is safe.
    Complete {
        tenant: String,
        id: String,
        /// Although it is not safe yet.
        #[arg(long)]
        force: bool,
    },
    /// End the new one; the old one stays.
    Cancel { tenant: String, id: String },
    /// Have it completed as soon as that is safe.
    Automatic {
        tenant: String,
        id: String,
        /// No longer.
        #[arg(long)]
        off: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum FederationCommand {
    /// Set whose assertions a tenant takes, in place of what was set before. All values are compared exactly.
    Set {
        tenant: String,
        /// The issuer (`iss`), as `https://login.microsoftonline.com/{tenant id}/v2.0`.
        #[arg(long)]
        issuer: String,
        /// The subject (`sub`): the object id of Entra's provisioning application.
        #[arg(long)]
        subject: String,
        /// The audience (`aud`), as api://{application id}.
        #[arg(long)]
        audience: String,
        /// Where the issuer publishes its keys.
        #[arg(long, value_name = "URL")]
        jwks_url: String,
    },
    /// Show it.
    Show { tenant: String },
    /// Take no assertions any more, and end the access tokens that were issued for them.
    Remove { tenant: String },
}

fn read_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .ok_or_else(|| "a duration is a number and a unit, as 30s, 15m, 12h or 90d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_behind_the_command() {
        let line = ["juno", "token", "issue", "contoso", "--expires-in", "90d", "--json"];
        let cli = Cli::try_parse_from(line).expect("parsed");
        assert!(cli.json);
        let Command::Operators(OperatorsCommand::Token(TokenCommand::Issue { expires_in, .. })) = cli.command
        else {
            panic!("{cli:?}")
        };
        assert_eq!(expires_in, Some(Duration::from_secs(90 * 86_400)));
        assert!(Cli::try_parse_from(["juno", "token", "issue", "contoso", "--expires-in", "soon"]).is_err());
        assert!(Cli::try_parse_from(["juno", "tenant", "create", "x", "--profile", "okta"]).is_err());
    }
}
