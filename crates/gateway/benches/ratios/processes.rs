//! What processes spent, as the kernel counts it.

use std::{fs, ops::Sub};

/// Seconds of CPU spent so far by the gateway and by all processes of PostgreSQL.
#[derive(Clone, Copy)]
pub(crate) struct CpuTime {
    pub(crate) gateway: f64,
    pub(crate) postgres: f64,
}

impl CpuTime {
    pub(crate) fn now(gateway: u32) -> CpuTime {
        let mut postgres = 0.0;
        for entry in fs::read_dir("/proc").expect("procfs").flatten() {
            if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok())
                && fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
            {
                postgres += seconds(pid).unwrap_or_default();
            }
        }
        CpuTime { gateway: seconds(gateway).expect("the gateway runs"), postgres }
    }
}

impl Sub for CpuTime {
    type Output = CpuTime;
    fn sub(self, earlier: CpuTime) -> CpuTime {
        CpuTime { gateway: self.gateway - earlier.gateway, postgres: self.postgres - earlier.postgres }
    }
}

/// User and system time; the kernel counts in hundredths of a second.
fn seconds(pid: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}
