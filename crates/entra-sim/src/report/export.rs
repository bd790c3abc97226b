//! Exports: the provisioning log as JSON lines and as the three CSV files that the portal gives; the job as JSON.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::log::ObjectSummary;
use super::status::{JobStatus, StatusCode};

/// Appends records to `provisioning-logs.jsonl` and to the three CSV files in a folder.
///
/// # Errors
/// The operating system's, when a file cannot be written.
pub fn append(folder: &Path, logs: &[ObjectSummary]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let lines: Result<String, serde_json::Error> =
        logs.iter().map(|log| serde_json::to_string(log).map(|line| line + "\n")).collect();
    open(&folder.join("provisioning-logs.jsonl"))?.write_all(lines?.as_bytes())?;
    table(&folder.join("ProvisioningLogs.csv"), &SUMMARY, logs.iter().map(summary))?;
    table(&folder.join("ProvisioningLogs_ProvisioningSteps.csv"), &STEPS, logs.iter().flat_map(steps))?;
    table(
        &folder.join("ProvisioningLogs_ModifiedProperties.csv"),
        &PROPERTIES,
        logs.iter().flat_map(properties),
    )
}

/// Writes the job as Graph's `GET …/synchronization/jobs/{id}` answers to `job.json` in a folder.
///
/// # Errors
/// The operating system's, when the file cannot be written.
pub fn job(
    folder: &Path,
    id: &str,
    interval: jiff::SignedDuration,
    status: &JobStatus,
) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let state = if status.code == StatusCode::Paused { "Disabled" } else { "Active" };
    let schedule =
        json!({"expiration": null, "interval": format!("PT{}M", interval.as_mins()), "state": state});
    let job = json!({"id": id, "templateId": "scim", "schedule": schedule, "status": status});
    fs::write(folder.join("job.json"), serde_json::to_string_pretty(&job)?)
}

const SUMMARY: [&str; 14] = [
    "Change Id",
    "Cycle Id",
    "Job Id",
    "Date",
    "Action",
    "Status",
    "Identity Type",
    "Source Id",
    "Display Name",
    "Target Id",
    "Source System",
    "Target System",
    "Error Code",
    "Reason",
];
const STEPS: [&str; 5] = ["Change Id", "Step", "Type", "Status", "Description"];
const PROPERTIES: [&str; 4] = ["Change Id", "Display Name", "Old Value", "New Value"];

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn summary(log: &ObjectSummary) -> Vec<String> {
    let error = log.provisioning_status_info.error_information.as_ref();
    vec![
        log.change_id.clone(),
        log.cycle_id.clone(),
        log.job_id.clone(),
        log.activity_date_time.to_string(),
        word(&log.provisioning_action),
        word(&log.provisioning_status_info.status),
        log.source_identity.identity_type.clone(),
        log.source_identity.id.clone(),
        log.source_identity.display_name.clone(),
        log.target_identity.id.clone(),
        log.source_system.display_name.clone(),
        log.target_system.display_name.clone(),
        error.map(|error| error.error_code.clone()).unwrap_or_default(),
        error.map(|error| error.reason.clone()).unwrap_or_default(),
    ]
}

fn steps(log: &ObjectSummary) -> Vec<Vec<String>> {
    let row = |step: &super::log::Step| {
        let (kind, status) = (word(&step.provisioning_step_type), word(&step.status));
        vec![log.change_id.clone(), step.name.clone(), kind, status, step.description.clone()]
    };
    log.provisioning_steps.iter().map(row).collect()
}

fn properties(log: &ObjectSummary) -> Vec<Vec<String>> {
    let row = |property: &super::log::ModifiedProperty| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (old, new) = (text(&property.old_value), text(&property.new_value));
        vec![log.change_id.clone(), property.display_name.clone(), old, new]
    };
    log.modified_properties.iter().map(row).collect()
}

fn open(path: &Path) -> std::io::Result<fs::File> {
    fs::File::options().create(true).append(true).open(path)
}

fn table(path: &Path, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> std::io::Result<()> {
    let mut file = open(path)?;
    let mut text = String::new();
    if file.metadata()?.len() == 0 {
        text.push_str(&line(header.iter().copied()));
    }
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str)));
    }
    file.write_all(text.as_bytes())
}

/// A line of RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe before it.
pub(crate) fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cell = |cell: &str| {
        let safe = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            format!("'{cell}")
        } else {
            cell.to_owned()
        };
        if safe.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", safe.replace('"', "\"\""))
        } else {
            safe
        }
    };
    cells.map(cell).collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_disarmed() {
        assert_eq!(
            line(["a", "b,c", "say \"x\"", "=1+1"].into_iter()),
            "a,\"b,c\",\"say \"\"x\"\"\",'=1+1\r\n"
        );
    }
}
