//! What processes spent, as the kernel counts it.

use std::{collections::HashMap, fs, ops::Sub};

/// Seconds of CPU spent so far by the gateway and by the processes of PostgreSQL.
pub(crate) struct CpuTime {
    pub(crate) gateway: f64,
    pub(crate) postgres: HashMap<u32, f64>,
}

/// Seconds of CPU spent between two times.
pub(crate) struct Spent {
    pub(crate) gateway: f64,
    pub(crate) postgres: f64,
}

impl CpuTime {
    pub(crate) fn now(gateway: u32) -> CpuTime {
        let mut postgres = HashMap::new();
        for entry in fs::read_dir("/proc").expect("procfs").flatten() {
            if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
                && fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
            {
                postgres.insert(pid, seconds(pid).unwrap_or_default());
            }
        }
        CpuTime { gateway: seconds(gateway).expect("the gateway runs"), postgres }
    }
}

impl Sub for CpuTime {
    type Output = Spent;

    /// Of processes that were there at both times: pgbench's come and go.
    fn sub(self, earlier: CpuTime) -> Spent {
        let grown = self.postgres.iter().filter_map(|(pid, now)| Some(now - earlier.postgres.get(pid)?));
        Spent { gateway: self.gateway - earlier.gateway, postgres: grown.sum() }
    }
}

/// User and system time; the kernel counts in hundredths of a second.
fn seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}
