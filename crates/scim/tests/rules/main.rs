//! Tests of the `scim` crate from outside, one module for each of its own, in one binary so that it links once.

#[cfg(test)]
mod bulk;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod effects;
#[cfg(test)]
mod error;
#[cfg(test)]
mod evaluation;
#[cfg(test)]
mod evaluation_model;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod patch_model;
#[cfg(test)]
mod patch_properties;
#[cfg(test)]
mod path;
#[cfg(test)]
mod printing;
#[cfg(test)]
mod profile;
#[cfg(test)]
mod projection;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sound;
#[cfg(test)]
#[cfg(debug_assertions)]
mod steps;
#[cfg(test)]
mod suite;
