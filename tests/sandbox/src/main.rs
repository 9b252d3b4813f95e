//! The program; everything is in the library, so that demo and tests run the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    roster_sandbox::main()
}
