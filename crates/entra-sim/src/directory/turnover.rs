//! Random turnover of a company: people join, move and marry, groups follow them.

use std::collections::BTreeSet;

use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::people::Maker;
use super::{Directory, DirectoryError, Group, User};

pub(super) fn join(
    directory: &mut Directory,
    random: &mut ChaCha8Rng,
    count: usize,
) -> Result<(), DirectoryError> {
    for _ in 0..count {
        let mut maker = Maker::among(random, directory)?;
        let (department, office) = (maker.department(), maker.office());
        let mut newcomer = maker.employee(department, office, None);
        let colleague = |user: &&User| {
            user.deleted_date_time.is_none() && user.text("department") == newcomer.text("department")
        };
        newcomer.manager = directory.users.values().find(colleague).and_then(|user| user.manager.clone());
        put_in_groups(directory, &newcomer);
        directory.users.insert(newcomer.object_id.clone(), newcomer);
    }
    Ok(())
}

/// The groups named after departments and offices follow their people.
fn put_in_groups(directory: &mut Directory, user: &User) {
    let belongs = [format!("Dept {}", user.text("department")), format!("Office {}", user.text("city"))];
    for group in directory.groups.values_mut() {
        let name = group.display_name().to_owned();
        if belongs.contains(&name) {
            group.members.insert(user.object_id.clone());
        } else if name.starts_with("Dept ") || name.starts_with("Office ") {
            group.members.remove(&user.object_id);
        }
    }
}

pub(super) fn relocate(
    directory: &mut Directory,
    random: &mut ChaCha8Rng,
    id: &str,
) -> Result<(), DirectoryError> {
    let mut maker = Maker::among(random, directory)?;
    let (department, office) = (maker.department(), maker.office());
    let mut moved =
        directory.users.get(id).cloned().ok_or_else(|| DirectoryError(format!("no user '{id}'")))?;
    maker.place(&mut moved, department, office, None);
    put_in_groups(directory, &moved);
    directory.users.insert(id.to_owned(), moved);
    Ok(())
}

pub(super) fn rename(
    directory: &mut Directory,
    random: &mut ChaCha8Rng,
    id: &str,
) -> Result<(), DirectoryError> {
    let mut maker = Maker::among(random, directory)?;
    let family = maker.family_name();
    let mut renamed =
        directory.users.get(id).cloned().ok_or_else(|| DirectoryError(format!("no user '{id}'")))?;
    let given = renamed.text("givenName").to_owned();
    let local = maker.local_part(&given, &family);
    let address = format!("{local}@{}", maker.domain);
    // `mailNickname` stays: it is the externalId, the anchor that survives a marriage.
    let changes = [("surname", family.clone()), ("displayName", format!("{given} {family}"))];
    let changes = changes.into_iter().chain([("userPrincipalName", address.clone()), ("mail", address)]);
    renamed.attributes.extend(changes.map(|(name, value)| (name.to_owned(), json!(value))));
    directory.users.insert(id.to_owned(), renamed);
    Ok(())
}

/// Takes random members out of random assigned groups and puts random users in.
pub(super) fn shuffle_members(directory: &mut Directory, random: &mut ChaCha8Rng, count: usize) {
    let assigned: BTreeSet<&String> =
        directory.assignments.iter().map(|assignment| &assignment.principal_id).collect();
    let free =
        |group: &&Group| !group.display_name().starts_with("Dept ") && assigned.contains(&group.object_id);
    let groups: Vec<String> =
        directory.groups.values().filter(free).map(|group| group.object_id.clone()).collect();
    let present =
        directory.users.values().filter(|user| user.deleted_date_time.is_none() && user.account_enabled);
    let users: Vec<String> = present.map(|user| user.object_id.clone()).collect();
    for _ in 0..count {
        let (Some(id), Some(newcomer)) = (groups.choose(random), users.choose(random)) else { return };
        let Some(group) = directory.groups.get_mut(id) else { return };
        let members: Vec<String> = group.members.iter().cloned().collect();
        if let Some(leaver) = members.choose(random) {
            group.members.remove(leaver);
        }
        group.members.insert(newcomer.clone());
    }
}
