//! What a tenant's client asks for, and how often: a mix like that of Entra's cycles.

use rand::RngExt as _;
use std::fmt;
use std::str::FromStr;

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// The matching query: `GET /Users?filter=userName eq "…"`, every other time without a match.
    Match,
    /// `POST /Users`.
    Create,
    /// `GET /Users/{id}`.
    Get,
    /// `PATCH /Users/{id}`, in the default dialect.
    Patch,
    /// `PATCH /Groups/{id}`: a member comes or goes.
    Members,
}

impl Operation {
    /// All of them, in the order of reports.
    pub const ALL: [Operation; 5] =
        [Operation::Match, Operation::Create, Operation::Get, Operation::Patch, Operation::Members];

    /// The word of reports and of `--mix`.
    pub fn word(self) -> &'static str {
        match self {
            Operation::Match => "match",
            Operation::Create => "create",
            Operation::Get => "get",
            Operation::Patch => "patch",
            Operation::Members => "members",
        }
    }

    /// Whether the status is the one that a correct server gives.
    pub(super) fn is_fine(self, status: u16) -> bool {
        match self {
            Operation::Match | Operation::Get => status == 200,
            Operation::Create => status == 201,
            Operation::Patch | Operation::Members => status == 200 || status == 204,
        }
    }
}

/// How often each operation is chosen, relative to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix([u32; Operation::ALL.len()]);

impl Default for Mix {
    /// An incremental cycle that finds a few joiners: mostly matching and reading, few creates.
    fn default() -> Mix {
        Mix([35, 10, 25, 20, 10])
    }
}

impl Mix {
    /// Draws an operation.
    pub(super) fn draw(self, random: &mut impl rand::Rng) -> Operation {
        let mut left = random.random_range(0..self.0.iter().sum());
        let mut chosen = Operation::Match;
        for (operation, weight) in Operation::ALL.into_iter().zip(self.0) {
            chosen = operation;
            if left < weight {
                break;
            }
            left -= weight;
        }
        chosen
    }
}

impl FromStr for Mix {
    type Err = String;

    /// Reads `match=35,create=10,get=25,patch=20,members=10`; what is not named has no share.
    fn from_str(text: &str) -> Result<Mix, String> {
        let mut weights = [0; Operation::ALL.len()];
        for part in text.split(',') {
            let (name, weight) =
                part.split_once('=').ok_or_else(|| format!("'{part}' is not NAME=WEIGHT"))?;
            let known = Operation::ALL.iter().position(|operation| operation.word() == name.trim());
            let known =
                known.ok_or_else(|| format!("'{name}' is none of match, create, get, patch, members"))?;
            let weight: u16 =
                weight.trim().parse().map_err(|_| format!("'{weight}' is no weight (0 to 65535)"))?;
            weights[known] = u32::from(weight);
        }
        if weights.iter().all(|weight| *weight == 0) {
            return Err("at least one weight must be above 0".to_owned());
        }
        Ok(Mix(weights))
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = Operation::ALL
            .iter()
            .zip(self.0)
            .map(|(operation, weight)| format!("{}={weight}", operation.word()))
            .collect();
        out.write_str(&parts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn the_shares_are_those_asked_for() {
        let mix: Mix = "match=1,get=3".parse().expect("a mix");
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        let drawn: Vec<_> = (0..4_000).map(|_| mix.draw(&mut random)).collect();
        let share = |wanted| drawn.iter().filter(|drawn| **drawn == wanted).count();
        assert_eq!(share(Operation::Match) + share(Operation::Get), 4_000);
        assert!((2_850..3_150).contains(&share(Operation::Get)), "{}", share(Operation::Get));
    }

    #[test]
    fn what_is_printed_is_read_back_and_nonsense_is_refused() {
        assert_eq!(Mix::default().to_string().parse(), Ok(Mix::default()));
        for text in ["", "get", "get=x", "put=1", "get=0"] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
    }
}
