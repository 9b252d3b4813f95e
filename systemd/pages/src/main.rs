//! `roster-pages DIR`: the manual pages and shell completions of both programs, from what they themselves understand.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use roster::arguments::Arguments;

fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).context("usage: roster-pages DIR")?);
    let (man, completions) = (dir.join("man"), dir.join("completions"));
    fs::create_dir_all(&man)?;
    manual(Arguments::command(), "1", &man)?;
    manual(rosterd::daemon::cli::command(), "8", &man)?;
    for (shell, name) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
        let dir = completions.join(name);
        fs::create_dir_all(&dir)?;
        clap_complete::generate_to(shell, &mut Arguments::command(), "roster", &dir)?;
        clap_complete::generate_to(shell, &mut rosterd::daemon::cli::command(), "rosterd", &dir)?;
    }
    Ok(())
}

/// A page for a program and each of its commands: `roster.1`, `roster-status.1`.
fn manual(program: Command, section: &str, dir: &Path) -> Result<()> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let page = |command: Command, name: &str| -> Result<()> {
        let mut file = File::create(dir.join(format!("{name}.{section}")))?;
        Man::new(command).title(name.to_uppercase()).section(section).render(&mut file)?;
        Ok(())
    };
    let name = program.get_name().to_owned();
    for command in program.get_subcommands() {
        let name = format!("{name}-{}", command.get_name());
        page(command.clone(), &name)?;
    }
    page(program.clone(), &name)
}
