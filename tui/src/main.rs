//! The program `roster`; everything is in the library, so that tests run the same.

use std::process::ExitCode;

fn main() -> ExitCode {
    roster::main()
}
