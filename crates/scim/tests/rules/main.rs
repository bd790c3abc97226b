//! Tests of the `scim` crate from outside, one module for each of its own, in one binary so that it links once.

#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod patch_model;
#[cfg(test)]
mod sound;
