//! `roster` as stories run it: always what was just built.

use std::process::ExitCode;

fn main() -> ExitCode {
    roster::main()
}
