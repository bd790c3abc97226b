//! `/tenants/{tenant}/rotations`: a rotation as a page shows it; completed, cancelled, left to complete by itself.

use super::{
    confirm::ConfirmPage,
    failure::Refusal,
    frame::{Section, done},
    tenant::{Tab, TenantHead},
    visitor::Visitor,
};
use crate::{Admin, Failure, caller::Support, web};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::Timestamp;
use serde::Deserialize;
use store::CredentialKind;
use tokens::{Judged, Rotating, RotationState};
use uuid::Uuid;

/// A rotation, as a page shows it.
pub(super) struct RotationView {
    pub(super) id: String,
    /// `token` or `secret`.
    pub(super) what: &'static str,
    pub(super) started: Timestamp,
    pub(super) is_automatic: bool,
    pub(super) old: Rotating,
    pub(super) new: Rotating,
    pub(super) state: RotationState,
    /// The state in words, without its times.
    pub(super) title: &'static str,
    pub(super) class: &'static str,
    pub(super) advice: &'static str,
    /// Since when the old one is silent.
    pub(super) since: Option<Timestamp>,
    /// When it will be safe.
    pub(super) safe_at: Option<Timestamp>,
    /// When it ended.
    pub(super) ended: Option<Timestamp>,
}

impl RotationView {
    pub(super) fn of(found: Judged) -> RotationView {
        let (title, class) = match found.state {
            RotationState::Waiting if found.rotation.kind == CredentialKind::SecretToken => {
                ("Waiting for the new token", "neutral")
            }
            RotationState::Waiting => ("Waiting for the new secret", "neutral"),
            RotationState::BothInUse => ("Both in use", "warn"),
            RotationState::OldSilent { .. } => ("Old one silent", "neutral"),
            RotationState::Safe { is_quiet: false, .. } => ("Safe to complete", "ok"),
            RotationState::Safe { is_quiet: true, .. } => ("Safe to complete, but nobody is seen", "warn"),
            RotationState::Completed { .. } => ("Completed", "ok"),
            RotationState::Cancelled { .. } => ("Cancelled", "neutral"),
        };
        let (since, safe_at, ended) = match found.state {
            RotationState::OldSilent { since, safe_at } => (Some(since), Some(safe_at), None),
            RotationState::Safe { since, .. } => (Some(since), None, None),
            RotationState::Completed { at } | RotationState::Cancelled { at } => (None, None, Some(at)),
            RotationState::Waiting | RotationState::BothInUse => (None, None, None),
        };
        let is_token = found.rotation.kind == CredentialKind::SecretToken;
        RotationView {
            id: found.rotation.id.to_string(),
            what: if is_token { "Secret Token" } else { "client secret" },
            started: found.rotation.started,
            is_automatic: found.rotation.is_automatic,
            advice: found.state.advice(),
            state: found.state,
            old: found.old,
            new: found.new,
            title,
            class,
            since,
            safe_at,
            ended,
        }
    }

    /// How many of its steps are done: the second one issued, the new one seen, the old one silent.
    fn steps(&self) -> usize {
        match self.state {
            RotationState::Waiting => 1,
            RotationState::BothInUse | RotationState::OldSilent { .. } => 2,
            RotationState::Safe { .. } => 3,
            RotationState::Completed { .. } | RotationState::Cancelled { .. } => 4,
        }
    }

    /// Whether a step, counted from 0, is done.
    pub(super) fn is_done(&self, step: usize) -> bool {
        step < self.steps()
    }

    /// Whether it is the step that comes next.
    pub(super) fn is_next(&self, step: usize) -> bool {
        step == self.steps()
    }
}

/// The rotations of a tenant that are under way.
pub(super) struct UnderWay(pub(super) Vec<Judged>);

impl UnderWay {
    /// All of them, the newest first.
    pub(super) async fn of(admin: &Admin, label: &str) -> Result<UnderWay, Failure> {
        Ok(UnderWay(admin.rotations_under_way(label).await?))
    }

    /// Whether one of them is of this credential, the old one or the new one.
    pub(super) fn have(&self, credential: Uuid) -> bool {
        self.0.iter().any(|found| [found.rotation.old, found.rotation.new].contains(&credential))
    }
}

/// The last rotations of a tenant that are over, the newest first.
pub(super) async fn past(admin: &Admin, label: &str) -> Result<Vec<Judged>, Failure> {
    let newest = admin.rotations(label, None, None).await?.rows;
    Ok(newest.into_iter().filter(|found| found.state.is_over()).collect())
}

fn credentials(label: &str) -> String {
    format!("/tenants/{label}/credentials")
}

/// The page that asks before a rotation ends.
async fn ask(
    visitor: &Visitor<Support>,
    admin: &Admin,
    (label, id): (&str, &str),
    act: impl FnOnce(&Judged, ConfirmPage) -> ConfirmPage,
    words: impl FnOnce(&Judged) -> (String, Vec<String>),
) -> Result<HttpResponse, Refusal> {
    let found = admin.rotation(label, id).await?;
    if found.state.is_over() {
        return Err(Failure::Conflict(format!("The rotation is over: {}.", found.words())).into());
    }
    let tenant = TenantHead::of(&admin.tenant(label).await?, Tab::Credentials);
    let (question, words) = words(&found);
    let page = ConfirmPage::new(visitor.frame(Section::Tenants), tenant, question, words);
    Ok(web::page(&act(&found, page.back_to("/credentials")))?)
}

/// Asks whether to complete; says what stands against it.
pub(super) async fn ask_complete(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, id) = path.into_inner();
    let words = |found: &Judged| {
        let question = format!("Complete the rotation of {}?", found.old.key_id);
        let ends = format!("{} ends now; whoever still uses it is refused with 401.", found.old.key_id);
        let mut words = vec![ends];
        if !found.state.is_safe() {
            words.push(format!("It is not safe yet: {}. The audit log will say so.", found.words()));
        }
        words.push(found.state.advice().to_owned());
        (question, words)
    };
    let act = |found: &Judged, page: ConfirmPage| {
        let is_safe = found.state.is_safe();
        let button = if is_safe { "Complete the rotation" } else { "Complete it all the same" };
        // What was seen now is what is confirmed: a rotation that was safe is not completed by force.
        let path = format!("/rotations/{id}/complete{}", if is_safe { "" } else { "/early" });
        page.act(&path, button, !is_safe)
    };
    ask(&visitor, &admin, (&label, &id), act, words).await
}

/// Completes what is safe.
pub(super) async fn complete(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    end(&visitor, &admin, &path, false).await
}

/// Completes what is not safe.
pub(super) async fn complete_early(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    end(&visitor, &admin, &path, true).await
}

async fn end(
    visitor: &Visitor<Support>,
    admin: &Admin,
    (label, id): &(String, String),
    is_confirmed: bool,
) -> Result<HttpResponse, Refusal> {
    let found = admin.complete_rotation(visitor.by(), (label, id), is_confirmed).await?;
    let words = format!("The rotation is completed: {} has ended.", found.old.key_id);
    Ok(done(admin, &credentials(label), &words)?)
}

/// Asks whether to cancel.
pub(super) async fn ask_cancel(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, id) = path.into_inner();
    let words = |found: &Judged| {
        let question = format!("Cancel the rotation of {}?", found.old.key_id);
        let mut words =
            vec![format!("The new one, {}, ends now. {} stays good.", found.new.key_id, found.old.key_id)];
        if found.new.seen.is_some() {
            words.push("The new one was used: if Entra has it already, provisioning fails.".to_owned());
        }
        (question, words)
    };
    let act = |found: &Judged, page: ConfirmPage| {
        page.act(&format!("/rotations/{id}/cancel"), "Cancel the rotation", found.new.seen.is_some())
    };
    ask(&visitor, &admin, (&label, &id), act, words).await
}

/// Cancels.
pub(super) async fn cancel(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, id) = path.into_inner();
    let found = admin.cancel_rotation(visitor.by(), &label, &id).await?;
    let words = format!("The rotation is cancelled: {} stays good.", found.old.key_id);
    Ok(done(&admin, &credentials(&label), &words)?)
}

/// Whether to complete by itself.
#[derive(Deserialize)]
struct AutomaticForm {
    automatic: bool,
}

/// Says whether it is completed by itself.
pub(super) async fn set_automatic(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refusal> {
    let (label, id) = path.into_inner();
    let form: AutomaticForm = visitor.form()?;
    admin.set_rotation_automatic(visitor.by(), (&label, &id), form.automatic).await?;
    let words = match form.automatic {
        true => "The rotation completes by itself as soon as that is safe.",
        false => "The rotation waits for somebody to complete it.",
    };
    Ok(done(&admin, &credentials(&label), words)?)
}
