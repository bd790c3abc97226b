//! Notification e-mails: one when a job enters quarantine or its reason changes, as the service sends them.

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::status::Quarantine;
use crate::job::Notification;

/// Why a notification could not be sent; never holds the mail server's password.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// An address is not an e-mail address.
    #[error("notification address '{0}' is not an e-mail address")]
    Address(String),
    /// The mail server's address is wrong.
    #[error("notification: the mail server's address is not of the form smtp://host:port")]
    Server,
    /// The message could not be built.
    #[error("notification: {0}")]
    Message(#[from] lettre::error::Error),
    /// The mail server did not take it.
    #[error("notification: the mail server did not take it: {0}")]
    Refused(lettre::transport::smtp::Error),
}

/// What a notification is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The application.
    pub application: &'a str,
    /// The job.
    pub job_id: &'a str,
    /// The Tenant URL without its query.
    pub tenant_url: &'a str,
    /// The quarantine.
    pub quarantine: &'a Quarantine,
    /// Whether the job was disabled after 28 days.
    pub disabled: bool,
}

/// Sends a notification.
///
/// # Errors
/// [`MailError`] when an address is wrong or the mail server refuses.
pub async fn notify(to: &Notification, subject: Subject<'_>) -> Result<(), MailError> {
    let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|_| MailError::Address(text.to_owned()));
    let state = if subject.disabled { "was disabled" } else { "is in quarantine" };
    let Quarantine { reason, error, next_attempt, series_began, .. } = subject.quarantine;
    let body = format!(
        "The provisioning job of {application} {state}.\r\n\r\n\
         Tenant URL: {url}\r\nJob: {job}\r\nReason: {reason:?}\r\nError: {code}: {message}\r\n\
         In quarantine since: {series_began}\r\nNext attempt: {next_attempt}\r\n",
        application = subject.application,
        url = subject.tenant_url,
        job = subject.job_id,
        code = error.code,
        message = error.message,
    );
    let message = Message::builder()
        .from(mailbox(&to.from)?)
        .to(mailbox(&to.to)?)
        .subject(format!("Provisioning of {} {state}", subject.application))
        .body(body)?;
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server =
        AsyncSmtpTransport::<Tokio1Executor>::from_url(to.smtp.reveal()).map_err(|_| MailError::Server)?;
    server.build().send(message).await.map_err(MailError::Refused)?;
    Ok(())
}
