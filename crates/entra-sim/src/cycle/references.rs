//! References, after all objects: managers of users, members of groups.

use std::collections::BTreeSet;

use super::failure::{Failure, Operation};
use super::object::{Context, LinkChange, Outcome};
use super::requests;
use super::source::{Kind, SourceObject};
use super::state::Link;
use crate::directory::{Group, User};
use crate::http::tenant_url::encode;
use crate::job::{Actions, ObjectType};
use crate::report::log::{Action, ModifiedProperty, Status, StepType};

impl Context<'_> {
    /// Brings the references of one object up to date; none if there is nothing to do.
    pub(super) async fn references(&self, object: &SourceObject<'_>) -> Option<Outcome> {
        let link = self.state.link(object.id).filter(|_| !self.halted.get())?;
        let mapping = self.job.mapping(object.object_type);
        let line = mapping.attributes.iter().find(|line| line.is_reference())?;
        if matches!(mapping.actions, Actions { update: false, .. }) {
            return None;
        }
        let path = line.target.to_string();
        let begun = std::time::Instant::now();
        let mut outcome = match object.kind {
            Kind::User(user) => self.manager(object, user, link, &path).await?,
            Kind::Group(group) => self.members(object, group, link, &path).await?,
        };
        outcome.record.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        outcome.record.action = Action::Update;
        outcome.record.target_id.clone_from(&link.target_id);
        outcome.export = true;
        let (status, end) = match &outcome.failure {
            None => (Status::Success, "were updated"),
            Some(_) => (Status::Failure, "could not be updated"),
        };
        let sentence = format!(
            "The references of {} '{}' {end} in {}",
            object.object_type,
            object.name(),
            self.job.name
        );
        outcome.record.step(StepType::Export, "EntryExportUpdate", status, sentence);
        if let Some(failure) = &outcome.failure {
            outcome.record.status = Status::Failure;
            outcome.record.error = Some(failure.information());
            self.halted.set(self.halted.get() || failure.job.is_some());
        }
        Some(outcome)
    }

    /// Whether a manager or member is missing only because it waits in escrow itself: then the reference waits too,
    /// in what Microsoft calls a system-generated escrow.
    pub(super) fn is_unresolved(&self, object: &SourceObject<'_>) -> bool {
        let waits = |id: &String| self.state.link(id).is_none() && self.escrowed.contains(id.as_str());
        match object.kind {
            Kind::User(user) => user.manager.as_ref().is_some_and(waits),
            Kind::Group(group) => group.members.iter().any(waits),
        }
    }

    /// A manager who is not provisioned is left out, and not looked for again until the user changes.
    async fn manager(
        &self,
        object: &SourceObject<'_>,
        user: &User,
        link: &Link,
        path: &str,
    ) -> Option<Outcome> {
        let wanted = match &user.manager {
            Some(manager) => Some(self.state.link(manager)?.target_id.as_str()),
            None => None,
        };
        let before = link.manager.as_deref();
        if wanted == before {
            return None;
        }
        let mut outcome = Self::outcome(object);
        let sentence = format!("Resolved manager of '{}' to '{}'", object.name(), wanted.unwrap_or("none"));
        outcome.record.step(
            StepType::ReferenceResolution,
            "EntryResolveReference",
            Status::Success,
            sentence,
        );
        let updated = Link { manager: wanted.map(str::to_owned), ..link.clone() };
        let current = match wanted {
            Some(id) if self.job.reference_checks => self.has_manager(link, id).await,
            _ => false,
        };
        if !current {
            let body = requests::manager(self.dialect, path, before, wanted);
            let target = format!("{}/{}", ObjectType::User.endpoint(), encode(&link.target_id));
            let exchange = self.client.patch(&target, &body).await;
            if !exchange.is_success() {
                outcome.failure = Some(Failure::of(&exchange, Operation::Update));
                return Some(outcome);
            }
        }
        outcome.record.modified.push(ModifiedProperty {
            display_name: path.to_owned(),
            old_value: before.map(str::to_owned),
            new_value: wanted.map(str::to_owned),
        });
        outcome.link = LinkChange::Set(Box::new(updated));
        Some(outcome)
    }

    /// The check of older samples: only the `id` comes back, if the reference is there already.
    async fn has_manager(&self, link: &Link, manager: &str) -> bool {
        let filter = format!(
            "{} and {}",
            requests::equals("id", &link.target_id),
            requests::equals("manager", manager)
        );
        let exchange = self.client.get("/Users", &[("filter", &filter), ("attributes", "id")]).await;
        exchange.json().is_some_and(|list| list["totalResults"].as_u64().is_some_and(|total| total > 0))
    }

    /// Members that are not provisioned are left out; nested groups are. Who left the scope or the directory keeps
    /// the membership until the group itself loses the member.
    async fn members(
        &self,
        object: &SourceObject<'_>,
        group: &Group,
        link: &Link,
        path: &str,
    ) -> Option<Outcome> {
        let user = |id: &&String| self.state.link(id).filter(|link| link.object_type == ObjectType::User);
        let sure = |id: &&String| link.members.contains(*id) && !link.uncertain.contains(*id);
        let added: Vec<&String> = group.members.iter().filter(|id| !sure(id)).collect();
        let added: Vec<(&String, &str)> =
            added.into_iter().filter_map(|id| user(&id).map(|link| (id, link.target_id.as_str()))).collect();
        let lost = link.members.union(&link.uncertain).filter(|id| !group.members.contains(*id));
        let removed: Vec<(&String, &str)> =
            lost.clone().filter_map(|id| user(&id).map(|link| (id, link.target_id.as_str()))).collect();
        // Purged users took their memberships with them.
        let forgotten: BTreeSet<&String> = lost.filter(|id| user(id).is_none()).collect();
        if added.is_empty() && removed.is_empty() {
            return None;
        }
        let mut outcome = Self::outcome(object);
        let sentence = format!("{} members to add, {} to remove", added.len(), removed.len());
        outcome.record.step(
            StepType::ReferenceResolution,
            "EntryResolveReference",
            Status::Success,
            sentence,
        );
        let mut updated = link.clone();
        updated.members.retain(|id| !forgotten.contains(id));
        updated.uncertain.retain(|id| !forgotten.contains(id));
        let target = format!("{}/{}", ObjectType::Group.endpoint(), encode(&link.target_id));
        let size = self.job.members_per_patch.max(1);
        let additions = added.chunks(size).map(|chunk| (true, chunk));
        for (adding, chunk) in additions.chain(removed.chunks(size).map(|chunk| (false, chunk))) {
            let ids: Vec<&str> = chunk.iter().map(|(_, target)| *target).collect();
            let body = if adding {
                requests::add_members(self.dialect, path, &ids)
            } else {
                requests::remove_members(self.dialect, path, &ids)
            };
            let exchange = self.client.patch(&target, &body).await;
            if !exchange.is_success() {
                updated.uncertain.extend(chunk.iter().map(|(id, _)| (*id).clone()));
                outcome.failure = Some(Failure::of(&exchange, Operation::Update));
                break;
            }
            for (id, target) in chunk {
                let (old_value, new_value) =
                    if adding { (None, Some(*target)) } else { (Some(*target), None) };
                outcome.record.modified.push(ModifiedProperty {
                    display_name: path.to_owned(),
                    old_value: old_value.map(str::to_owned),
                    new_value: new_value.map(str::to_owned),
                });
                updated.uncertain.remove(*id);
                if adding {
                    updated.members.insert((*id).clone());
                } else {
                    updated.members.remove(*id);
                }
            }
        }
        // What was sent before a failure is remembered too.
        outcome.link = LinkChange::Set(Box::new(updated));
        Some(outcome)
    }
}
