//! No daemon was found: which sockets were tried, and what can be done.
//!
//! ```text
//!   rosterd is not running.
//!
//!   Looked for it at  /run/user/1000/roster/rosterd.sock
//!                     /run/roster/rosterd.sock
//!
//!   y  starts one for this user, with its data in your home directory.
//!   This screen continues as soon as one responds.
//! ```

use crate::message::NoDaemon;
use crate::shared::Shared;
use crate::widgets::pen::Pen;

/// Draws what is known while there is no daemon.
pub fn view(shared: &Shared, no_daemon: &NoDaemon, pen: &mut Pen<'_>) {
    let (plain, faint, strong) = (pen.theme.plain, pen.theme.faint, pen.theme.strong);
    let width = shared.size.width.saturating_sub(4);
    let mut lines: Vec<Vec<(String, ratatui::style::Style)>> =
        vec![vec![("✗ ".to_owned(), pen.theme.bad), (no_daemon.error.message.clone(), strong)], Vec::new()];
    for (index, socket) in no_daemon.tried.iter().enumerate() {
        let before = if index == 0 { "Looked for it at  " } else { "                  " };
        lines.push(vec![(before.to_owned(), faint), (socket.display().to_string(), plain)]);
    }
    lines.push(Vec::new());
    lines.push(match (no_daemon.starting, no_daemon.can_start) {
        (true, _) => vec![("Starting one …".to_owned(), plain)],
        (false, true) => vec![
            ("y".to_owned(), strong),
            ("  starts one for this user, with its data in your home directory".to_owned(), plain),
        ],
        (false, false) => vec![(no_daemon.error.hint.clone().unwrap_or_default(), plain)],
    });
    lines.push(vec![("This screen continues as soon as it responds.".to_owned(), faint)]);
    let first = shared.size.height / 4;
    for (line, y) in lines.iter().zip(first..shared.size.height.saturating_sub(1)) {
        pen.pieces(3, y, width, line);
    }
}
