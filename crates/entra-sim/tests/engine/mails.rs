//! Notification e-mails, received by a mail server of a few lines that speaks SMTP (RFC 5321).

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use entra_sim::job::Notification;
use entra_sim::report::mail::{MailError, Subject, notify};
use entra_sim::report::status::{JobFault, Quarantine, QuarantineReason};

/// What one message looked like on the wire: the envelope's lines, then the text.
pub(crate) struct Mail {
    envelope: Vec<String>,
    pub(crate) text: String,
}

pub(crate) fn sink() -> (u16, Receiver<Mail>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        let mut write = stream.try_clone().expect("a second handle");
        let mut say = |line: &str| write.write_all(format!("{line}\r\n").as_bytes()).expect("written");
        say("220 sink ESMTP");
        let mut lines = BufReader::new(stream).lines();
        let mut mail = Mail { envelope: Vec::new(), text: String::new() };
        while let Some(Ok(line)) = lines.next() {
            let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "DATA" => {
                    say("354 go on");
                    for line in lines.by_ref().map_while(Result::ok).take_while(|line| line != ".") {
                        mail.text.push_str(&line);
                        mail.text.push('\n');
                    }
                    say("250 taken");
                    let done =
                        std::mem::replace(&mut mail, Mail { envelope: Vec::new(), text: String::new() });
                    sender.send(done).expect("the test waits");
                }
                "QUIT" => {
                    say("221 bye");
                    return;
                }
                _ => {
                    mail.envelope.push(line);
                    say("250 ok");
                }
            }
        }
    });
    (port, receiver)
}

fn quarantine() -> Quarantine {
    let moment = |text: &str| text.parse().expect("a moment");
    Quarantine {
        current_began: moment("2026-03-02T08:00:00Z"),
        next_attempt: moment("2026-03-02T14:00:00Z"),
        reason: QuarantineReason::TooManyDeletes,
        series_began: moment("2026-03-02T08:00:00Z"),
        series_count: 0,
        error: JobFault {
            code: "TooManyDeletes".to_owned(),
            message: "7 deletions".to_owned(),
            tenant_actionable: true,
        },
    }
}

fn to(smtp: &str, to: &str) -> Notification {
    Notification { to: to.to_owned(), from: "azure-noreply@microsoft.com".to_owned(), smtp: smtp.into() }
}

fn subject(quarantine: &Quarantine) -> Subject<'_> {
    Subject {
        application: "Juno Journey",
        job_id: "scim.1",
        tenant_url: "https://x.example/scim",
        quarantine,
        disabled: false,
    }
}

#[tokio::test]
async fn a_quarantine_is_told_by_mail() {
    let (port, mails) = sink();
    let quarantine = quarantine();
    notify(&to(&format!("smtp://127.0.0.1:{port}"), "admin@contoso.example"), subject(&quarantine))
        .await
        .expect("sent");
    let mail = mails.recv().expect("received");
    assert!(mail.envelope.iter().any(|line| line.contains("MAIL FROM:<azure-noreply@microsoft.com>")));
    assert!(mail.envelope.iter().any(|line| line.contains("RCPT TO:<admin@contoso.example>")));
    for part in [
        "Subject: Provisioning of Juno Journey is in quarantine",
        "TooManyDeletes",
        "7 deletions",
        "2026-03-02T14:00:00Z",
    ] {
        assert!(mail.text.contains(part), "{part} is not in:\n{}", mail.text);
    }
}

#[tokio::test]
async fn failures_do_not_tell_the_password() {
    let quarantine = quarantine();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    let server = format!("smtp://me:hush@127.0.0.1:{closed}");
    let error = notify(&to(&server, "admin@contoso.example"), subject(&quarantine))
        .await
        .expect_err("nobody listens");
    assert!(!error.to_string().contains("hush") && !format!("{error:?}").contains("hush"));
    let wrong = notify(&to(&server, "nobody"), subject(&quarantine)).await;
    assert!(matches!(wrong, Err(MailError::Address(_))));
}
