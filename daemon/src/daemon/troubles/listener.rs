//! The HTTP listener: where it cannot listen, consents cannot be finished by callback and no platform's notification
//! arrives.

use std::net::SocketAddr;

use roster_protocol::rule::Happening;

use super::{holder, report, writable};
use crate::app::{App, Listener};
use crate::browse::overview::lost_in_words;
use crate::decision::troubles;

/// Reports whether it listens, whenever that changes or was tried again.
pub async fn watch(app: &App) {
    let mut listener = app.consents.watch_listener();
    // The address that the open alert is about.
    let mut reported: Option<SocketAddr> = None;
    loop {
        let now = listener.borrow_and_update().clone();
        let address = match now {
            Listener::Lost { address, .. } => Some(address),
            Listener::Off | Listener::At(_) => None,
        };
        // Lost elsewhere is another case, with another way out.
        let has_moved = address.is_some() && reported.is_some() && address != reported;
        let mut is_stored = !has_moved || report(app, Happening::Listener, None).await;
        is_stored = is_stored && report(app, Happening::Listener, wrong(app, &now).await).await;
        if is_stored {
            reported = address;
        }
        tokio::select! {
            changed = listener.changed() => if changed.is_err() { return },
            () = writable(app), if !is_stored => {}
        }
    }
}

/// What is wrong with it, and what to do.
async fn wrong(app: &App, listener: &Listener) -> Option<String> {
    let lost = lost_in_words(listener)?;
    let Listener::Lost { address, is_taken, .. } = listener else { return None };
    // Finding out who has the address takes a look at every process, for an alert that is opened.
    let is_news = app.look(|roster| troubles::is_outdated(roster, Happening::Listener, true));
    let holder = if *is_taken && is_news { holder::of(*address).await } else { None };
    Some(in_words(&lost, *is_taken, holder.as_deref()))
}

fn in_words(lost: &str, is_taken: bool, holder: Option<&str>) -> String {
    let holder = holder.map(|holder| format!(" (it is {holder})")).unwrap_or_default();
    let mend = match is_taken {
        true => "end that program, or set [http] listen to a free address and reload rosterd",
        false => "correct that, or set [http] listen to another address and reload rosterd",
    };
    format!(
        "{lost}{holder}: {mend}; until then no consent is finished by callback and no notification of a platform arrives"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_listener_says_where_who_has_it_and_what_to_do() {
        let address: SocketAddr = "127.0.0.1:8787".parse().expect("an address");
        let check = |is_taken: bool, holder: Option<&str>, begin: &str, mend: &str| {
            let lost = Listener::Lost { address, is_taken, why: "Permission denied (os error 13)".to_owned() };
            let said = in_words(&lost_in_words(&lost).expect("it is lost"), is_taken, holder);
            assert!(said.starts_with(begin) && said.contains(mend), "{said}");
        };
        let taken = "another program listens on 127.0.0.1:8787, where rosterd should; owners' consents would reach it";
        let free = "end that program, or set [http] listen to a free address and reload rosterd";
        check(true, None, &format!("{taken}: "), free);
        check(true, Some("nginx, process 812"), &format!("{taken} (it is nginx, process 812): "), free);
        let refused = "rosterd cannot listen on 127.0.0.1:8787: Permission denied (os error 13): ";
        check(false, None, refused, "set [http] listen to another address and reload rosterd");
        assert_eq!(lost_in_words(&Listener::Off), None);
        assert_eq!(lost_in_words(&Listener::At(address)), None);
    }
}
