//! The default job: Juno Journey's gallery application.

use jiff::SignedDuration;

use super::{Actions, Job, ObjectMapping, ObjectType, ScopeSetting, Thresholds, file};

fn empty(object_type: ObjectType) -> ObjectMapping {
    let actions = Actions { create: true, update: true, delete: true };
    ObjectMapping { object_type, enabled: true, actions, filters: Vec::new(), attributes: Vec::new() }
}

/// The settings without any mapping.
fn bare() -> Job {
    Job {
        name: "Juno Journey".to_owned(),
        scope: ScopeSetting::Assigned,
        default_access_excluded: false,
        skip_out_of_scope_deletions: false,
        delete_threshold: Some(500),
        delete_on_disable: false,
        dialect: None,
        members_per_patch: 50,
        reference_checks: false,
        interval: SignedDuration::from_mins(40),
        concurrency: 4,
        page_size: 50,
        thresholds: Thresholds::default(),
        notification: None,
        users: empty(ObjectType::User),
        groups: empty(ObjectType::Group),
    }
}

#[expect(clippy::panic, reason = "the text is compiled in, and a test reads it")]
pub(super) fn juno() -> Job {
    match file::read(include_str!("juno.toml"), bare()) {
        Ok(job) => job,
        Err(error) => panic!("the built-in job: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_job_has_the_26_attributes_of_the_tutorial() {
        let job = juno();
        assert_eq!(job.users.attributes.len(), 26);
        assert!(job.users.can_disable());
        assert_eq!(job.users.matching().len(), 1);
        assert_eq!(job.groups.attributes.len(), 3);
        assert!(job.checked().is_ok());
    }
}
