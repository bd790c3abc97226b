//! The binary `juno`.

fn main() -> std::process::ExitCode {
    gateway::run()
}
