//! The flags that name job and directory.

use std::path::{Path, PathBuf};

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use super::CommandError;
use crate::directory::generate::{Plan, generate};
use crate::directory::{Directory, DirectoryError};
use crate::job::Job;

/// Where people and mappings come from.
#[derive(Clone, Debug, clap::Args)]
pub struct SourceOptions {
    /// Job configuration: TOML, or the JSON of Graph's synchronizationSchema; without it, Juno Journey's gallery job
    #[arg(long, value_name = "FILE")]
    pub job: Option<PathBuf>,
    /// Directory file (JSON)
    #[arg(long, value_name = "FILE", conflicts_with = "users")]
    pub directory: Option<PathBuf>,
    /// Generate a directory of so many users
    #[arg(long, default_value_t = 300)]
    pub users: usize,
    /// Seed of the generated directory and of random changes; tenants of a list get seeds of their own
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Domain of generated principal names
    #[arg(long, default_value = "contoso.example")]
    pub domain: String,
}

impl SourceOptions {
    pub(super) fn job(&self, own: Option<&Path>) -> Result<Job, CommandError> {
        match own.or(self.job.as_deref()) {
            Some(path) => Ok(Job::load(path)?),
            None => Ok(Job::default()),
        }
    }

    pub(super) fn directory(
        &self,
        own: Option<&Path>,
        seed: u64,
        domain: &str,
    ) -> Result<Directory, DirectoryError> {
        match own.or(self.directory.as_deref()) {
            Some(path) => Directory::load(path),
            None => generate(&Plan { users: self.users, seed, domain: domain.to_owned() }),
        }
    }
}

/// Seeded randomness.
pub(super) fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
