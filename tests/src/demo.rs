//! The demo as stories run it.

fn main() -> std::process::ExitCode {
    roster_demo::main()
}
