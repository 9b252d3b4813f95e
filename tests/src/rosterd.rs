//! The daemon as stories run it.

fn main() -> std::process::ExitCode {
    rosterd::main()
}
