//! The sandbox as stories run it.

fn main() -> std::process::ExitCode {
    roster_sandbox::main()
}
