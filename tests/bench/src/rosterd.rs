//! The daemon as it is measured: built with the benchmarks' profile.

fn main() -> std::process::ExitCode {
    rosterd::main()
}
