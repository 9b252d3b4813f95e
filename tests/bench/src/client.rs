//! The client as it is measured: built with the benchmarks' profile.

fn main() -> std::process::ExitCode {
    roster::main()
}
