//! Membership: the steps of a request reduced to their net effect, so that no group is read to change it.

use crate::{Failure, failure};
use scim::{ScimError, member::MemberStep};
use std::collections::HashMap;
use store::{MemberDelta, Members, ResourceId};

/// Whether the steps can only be reduced with the members of today in hand.
pub(crate) fn needs_members(steps: &[MemberStep]) -> bool {
    steps.iter().any(|step| matches!(step, MemberStep::RemoveWhere(_)))
}

/// Most comparisons with members in one request, but that one comparison with each member is always made.
const MAX_COMPARISONS: usize = 1_000_000;

/// An estimate of the work to reduce steps with the members of today, as [`crate::heavy`] counts it.
pub(crate) fn work(steps: &[MemberStep], today: &Members) -> usize {
    comparisons(steps).saturating_mul(today.users.len() + today.groups.len()).saturating_mul(64)
}

/// The comparisons that the steps make of each member.
fn comparisons(steps: &[MemberStep]) -> usize {
    let of_step = |step: &MemberStep| match step {
        MemberStep::RemoveWhere(condition) => condition.comparisons().max(1),
        _ => 0,
    };
    steps.iter().map(of_step).sum()
}

/// The net effect of the steps. `today` is only looked at by [`MemberStep::RemoveWhere`].
///
/// Ids to remove that cannot be ours are absent already; ids to add that cannot be ours do not exist.
///
/// # Errors
/// 400 for an id to add that cannot be ours; 413 for more than [`MAX_COMPARISONS`].
pub(crate) fn reduce(steps: &[MemberStep], today: &Members) -> Result<MemberDelta, Failure> {
    let (comparisons, members) = (comparisons(steps), today.users.len() + today.groups.len());
    if comparisons > 1 && comparisons.saturating_mul(members) > MAX_COMPARISONS {
        return Err(ScimError::too_large(format!(
            "The paths of this PATCH compare {members} members {comparisons} times; at most {MAX_COMPARISONS} comparisons \
             are made. Send fewer paths in one request, or remove members by members[value eq \"…\"]."
        ))
        .into());
    }
    let mut clear = false;
    let mut wanted = Wanted::default();
    for step in steps {
        match step {
            MemberStep::Add(ids) => {
                for id in ids {
                    wanted.set(parse(id)?, true);
                }
            }
            MemberStep::Remove(ids) => {
                ids.iter().filter_map(|id| ResourceId::parse(id)).for_each(|id| wanted.set(id, false));
            }
            MemberStep::RemoveAll => {
                clear = true;
                wanted = Wanted::default();
            }
            MemberStep::RemoveWhere(condition) => {
                let stays = |id: &ResourceId, kind: &str| {
                    !condition.matches_element(&serde_json::json!({ "value": id.to_string(), "type": kind }))
                };
                let users = today.users.iter().map(|id| (id, "User"));
                let leaving: Vec<ResourceId> = users
                    .chain(today.groups.iter().map(|id| (id, "Group")))
                    .filter(|(id, kind)| (!clear || wanted.is_added(id)) && !stays(id, kind))
                    .map(|(id, _)| *id)
                    .collect();
                leaving.into_iter().for_each(|id| wanted.set(id, false));
            }
        }
    }
    Ok(wanted.into_delta(clear))
}

/// The members of a new group, or of one that is replaced.
pub(crate) fn parse_all(ids: &[String]) -> Result<Vec<ResourceId>, Failure> {
    ids.iter().map(|id| parse(id)).collect()
}

fn parse(id: &str) -> Result<ResourceId, Failure> {
    ResourceId::parse(id).ok_or_else(|| failure::missing_members(&[id.to_owned()]))
}

/// The last word on each id, in the order in which ids were first named.
#[derive(Default)]
struct Wanted {
    order: Vec<ResourceId>,
    member: HashMap<ResourceId, bool>,
}

impl Wanted {
    fn set(&mut self, id: ResourceId, member: bool) {
        if self.member.insert(id, member).is_none() {
            self.order.push(id);
        }
    }

    fn is_added(&self, id: &ResourceId) -> bool {
        self.member.get(id) == Some(&true)
    }

    fn into_delta(self, clear: bool) -> MemberDelta {
        let (add, remove) = self.order.into_iter().partition(|id| self.member.get(id) == Some(&true));
        MemberDelta { clear, add, remove: if clear { Vec::new() } else { remove } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::{
        filter::Filter,
        schema::{ResourceKind, ResourceType},
    };

    fn id(n: u128) -> ResourceId {
        ResourceId(uuid::Uuid::from_u128(n))
    }
    fn add(ids: &[u128]) -> MemberStep {
        MemberStep::Add(ids.iter().map(|n| id(*n).to_string()).collect())
    }
    fn remove(ids: &[u128]) -> MemberStep {
        MemberStep::Remove(ids.iter().map(|n| id(*n).to_string()).collect())
    }

    #[test]
    fn the_last_step_on_an_id_decides() {
        let delta = reduce(&[add(&[1, 2]), remove(&[1, 3]), add(&[3])], &Members::default()).unwrap();
        assert_eq!(delta, MemberDelta { clear: false, add: vec![id(2), id(3)], remove: vec![id(1)] });
    }

    #[test]
    fn clearing_forgets_what_came_before_it() {
        let delta = reduce(&[add(&[1]), MemberStep::RemoveAll, add(&[2]), remove(&[4])], &Members::default())
            .unwrap();
        assert_eq!(delta, MemberDelta { clear: true, add: vec![id(2)], remove: vec![] });
    }

    #[test]
    fn members_are_compared_so_often_at_most() {
        let remove = |filter: &str| {
            let group = ResourceType::of(ResourceKind::Group);
            let filter = Filter::parse(filter).unwrap();
            MemberStep::RemoveWhere(filter.resolve_element(group.attribute("members")).unwrap())
        };
        let members = 1000;
        let today = Members { users: Vec::new(), groups: (0..members).map(id).collect() };
        let once = remove("type eq \"Group\"");
        assert_eq!(reduce(&vec![once.clone(); 3], &today).unwrap().remove.len(), 1000);
        let refused = reduce(&vec![once; MAX_COMPARISONS / members as usize + 1], &today).unwrap_err();
        assert!(matches!(&refused, Failure::Scim(error) if error.status == 413), "{refused:?}");
        // Two comparisons with each of very many are too many; one is not.
        let today = Members { users: (0..MAX_COMPARISONS as u128).map(id).collect(), groups: Vec::new() };
        assert!(reduce(&[remove("type eq \"Group\" and value sw \"a\"")], &today).is_err());
    }

    #[test]
    fn an_id_that_cannot_be_ours_is_absent_already_but_cannot_be_added() {
        let foreign = vec!["jdoe".to_owned()];
        assert!(reduce(&[MemberStep::Remove(foreign.clone())], &Members::default()).unwrap().is_empty());
        let refused = reduce(&[MemberStep::Add(foreign)], &Members::default()).unwrap_err();
        assert!(
            matches!(refused, Failure::Scim(error) if error.status == 400 && error.detail.contains("jdoe"))
        );
    }
}
