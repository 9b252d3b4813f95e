//! The program; all its code is in the library.

fn main() -> std::process::ExitCode {
    rosterd::main()
}
