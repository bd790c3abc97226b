//! What a job tells: provisioning logs, status, progress, exports and e-mails.

pub mod export;
pub mod log;
pub mod mail;
pub mod progress;
pub mod status;
