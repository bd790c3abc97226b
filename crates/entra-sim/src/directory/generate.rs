//! A whole company from a seed: departments, offices, managers, groups, nested groups, guests and roles.

use std::collections::BTreeSet;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::people::Maker;
use super::{AppRole, Assignment, Directory, DirectoryError, Group, User};

/// What to make.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many users, guests included.
    pub users: usize,
    /// The same seed gives the same directory.
    pub seed: u64,
    /// The domain of principal names.
    pub domain: String,
}

/// One guest among so many users.
const GUESTS_ONE_IN: usize = 30;
/// One user among so many is not assigned to the application.
const UNASSIGNED_ONE_IN: usize = 25;
/// People who report to one lead.
const TEAM: usize = 9;

/// Makes a directory.
///
/// # Errors
/// [`DirectoryError`] when the built-in material cannot be read.
pub fn generate(plan: &Plan) -> Result<Directory, DirectoryError> {
    let mut random = ChaCha8Rng::seed_from_u64(plan.seed);
    let mut maker = Maker::new(&mut random, &plan.domain)?;
    let mut directory = Directory { app_roles: app_roles(&mut maker), ..Directory::default() };
    let guests = if plan.users < GUESTS_ONE_IN { 0 } else { plan.users / GUESTS_ONE_IN };
    let mut users = employees(&mut maker, plan.users - guests);
    users.extend((0..guests).map(|_| maker.guest()));
    make_groups(&mut maker, &users, &mut directory);
    directory.users = users.into_iter().map(|user| (user.object_id.clone(), user)).collect();
    Ok(directory)
}

fn app_roles(maker: &mut Maker<'_>) -> Vec<AppRole> {
    let roles = [("Learner", "Learner"), ("Author", "Course author"), ("Admin", "Learning administrator")];
    let role = |(value, name): (&str, &str)| AppRole {
        id: maker.guid(),
        value: value.to_owned(),
        display_name: name.to_owned(),
    };
    roles.into_iter().map(role).collect()
}

/// The head of the company, heads of departments, leads of teams, and their people.
fn employees(maker: &mut Maker<'_>, count: usize) -> Vec<User> {
    let mut users: Vec<User> = Vec::with_capacity(count);
    let departments = maker.material.departments.len();
    let mut leads: Vec<Option<(String, usize)>> = vec![None; departments];
    let mut heads: Vec<Option<String>> = vec![None; departments];
    for index in 0..count {
        let office = maker.office();
        if index == 0 {
            users.push(maker.employee(0, office, Some("Chief Executive Officer")));
            continue;
        }
        let department = if index <= departments { index - 1 } else { maker.department() };
        let (title, manager) = match (&heads[department], &leads[department]) {
            (None, _) => {
                (Some(maker.material.departments[department].head.clone()), users[0].object_id.clone())
            }
            (Some(_), Some((lead, reports))) if *reports < TEAM => (None, lead.clone()),
            (Some(head), _) => (Some(maker.material.departments[department].lead.clone()), head.clone()),
        };
        let mut user = maker.employee(department, office, title.as_deref());
        user.manager = Some(manager);
        if heads[department].is_none() {
            heads[department] = Some(user.object_id.clone());
        } else if title.is_some() {
            leads[department] = Some((user.object_id.clone(), 0));
        } else if let Some((_, reports)) = &mut leads[department] {
            *reports += 1;
        }
        users.push(user);
    }
    users
}

fn group(maker: &mut Maker<'_>, name: &str, members: BTreeSet<String>) -> Group {
    let nickname: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let attributes =
        json!({"displayName": name, "mailNickname": nickname, "description": format!("{name}, generated")});
    Group {
        object_id: maker.guid(),
        security_enabled: true,
        members,
        deleted_date_time: None,
        attributes: attributes.as_object().cloned().unwrap_or_default(),
    }
}

fn members<'a>(users: &'a [User], fits: impl Fn(&&'a User) -> bool) -> BTreeSet<String> {
    users.iter().filter(fits).map(|user| user.object_id.clone()).collect()
}

fn make_groups(maker: &mut Maker<'_>, users: &[User], directory: &mut Directory) {
    let [learner, author, admin] =
        [0, 1, 2].map(|index| directory.app_roles.get(index).map(|role| role.id.clone()));
    let departments: Vec<String> = maker.material.departments.iter().map(|unit| unit.name.clone()).collect();
    let cities: Vec<String> = maker.material.offices.iter().map(|office| office.city.clone()).collect();
    let unassigned = members(users, |user| user.text("employeeId").ends_with("13"));
    let keep = users.len() >= UNASSIGNED_ONE_IN;
    let mut assigned: Vec<(Group, Option<String>)> = Vec::new();
    for department in &departments {
        let all = members(users, |user| user.text("department") == department);
        let inside = if keep { all.difference(&unassigned).cloned().collect() } else { all };
        assigned.push((group(maker, &format!("Dept {department}"), inside), learner.clone()));
    }
    let authors = members(users, |user| user.text("jobTitle").contains("Design"));
    assigned.push((group(maker, "Course Authors", authors), author));
    let admins = members(users, |user| {
        user.text("jobTitle").contains("Chief") || user.text("jobTitle").contains("People Manager")
    });
    assigned.push((group(maker, "Learning Admins", admins), admin));
    let guests = members(users, |user| user.text("userType") == "Guest");
    // No role: Default Access.
    assigned.push((group(maker, "Guests Fabrikam", guests), None));
    let mut others: Vec<Group> = Vec::new();
    for city in &cities {
        let there = members(users, |user| user.text("city") == city);
        others.push(group(maker, &format!("Office {city}"), there));
    }
    let nested = others.iter().map(|office| office.object_id.clone()).collect();
    let everywhere = group(maker, "All Offices", nested);
    // Assigned, but its members are groups, so that nobody is entitled by it.
    assigned.push((everywhere, learner.clone()));
    let offices = others.iter().map(|office| (office.object_id.clone(), learner.clone()));
    let offices: Vec<_> = offices.take(2).collect();
    let direct = users.first().map(|user| (user.object_id.clone(), learner));
    let groups = assigned.iter().map(|(group, role)| (group.object_id.clone(), role.clone()));
    let principals = groups.chain(offices).chain(direct);
    directory.assignments =
        principals.map(|(principal_id, app_role_id)| Assignment { principal_id, app_role_id }).collect();
    let all = assigned.into_iter().map(|(group, _)| group).chain(others);
    directory.groups = all.map(|group| (group.object_id.clone(), group)).collect();
}
