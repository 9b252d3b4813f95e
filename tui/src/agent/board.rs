//! Which popups are on the desktop, by the ids that it gave them. Pure.

use std::collections::VecDeque;

use roster_protocol::notice::Popup;
use roster_protocol::service::Notice;
use roster_protocol::{Alert, AlertId};

/// The most popups that are remembered; the oldest is taken off the desktop for one more.
const MOST: usize = 100;
/// Of how many ended alerts it is remembered that they ended.
const MOST_ENDED: usize = 256;

/// The popups on the desktop, oldest first.
#[derive(Default)]
pub(super) struct Board {
    shown: VecDeque<Shown>,
    /// Alerts that are no longer open; a notice of one may still be on its way.
    ended: VecDeque<AlertId>,
}

struct Shown {
    id: u32,
    popup: Popup,
}

impl Board {
    /// The popup that this one replaces; 0 for none.
    pub fn replaced_by(&self, popup: &Popup) -> u32 {
        let is_same = |shown: &&Shown| popup.case.is_some() && shown.popup.case == popup.case;
        self.shown.iter().find(is_same).map_or(0, |shown| shown.id)
    }

    /// Adds a popup that the desktop has shown; gives those to take off.
    pub fn add(&mut self, id: u32, popup: Popup) -> Vec<u32> {
        // A desktop may give a popup that replaces another an id of its own: the other is still there.
        let replaced = self.replaced_by(&popup);
        self.shown.retain(|shown| shown.id != id && shown.id != replaced);
        self.shown.push_back(Shown { id, popup });
        let beyond = self.shown.len().saturating_sub(MOST);
        let oldest = self.shown.drain(..beyond).map(|shown| shown.id);
        oldest.chain((replaced != 0 && replaced != id).then_some(replaced)).collect()
    }

    /// The desktop has taken a popup off.
    pub fn closed(&mut self, id: u32) {
        self.shown.retain(|shown| shown.id != id);
    }

    /// The open alerts of a popup.
    pub fn alerts_of(&self, id: u32) -> Vec<AlertId> {
        self.shown.iter().find(|shown| shown.id == id).map(|shown| shown.popup.alerts.clone()).unwrap_or_default()
    }

    /// All open alerts on the desktop.
    pub fn alerts(&self) -> Vec<AlertId> {
        self.shown.iter().flat_map(|shown| &shown.popup.alerts).copied().collect()
    }

    /// An alert was acknowledged or resolved; gives the popup to take off: one of which no alert is open.
    pub fn ended(&mut self, alert: AlertId) -> Option<u32> {
        if !self.ended.contains(&alert) {
            self.ended.push_back(alert);
            let beyond = self.ended.len().saturating_sub(MOST_ENDED);
            self.ended.drain(..beyond);
        }
        let place = self.shown.iter().position(|shown| shown.popup.alerts.contains(&alert))?;
        let alerts = &mut self.shown[place].popup.alerts;
        alerts.retain(|shown| *shown != alert);
        alerts.is_empty().then(|| self.shown.remove(place).map(|shown| shown.id)).flatten()
    }

    /// What an open alert's popup is now, when another one of it is on the desktop.
    pub fn changed(&mut self, alert: &Alert) -> Option<Popup> {
        self.ended.retain(|ended| *ended != alert.id);
        // Nothing new is shown by it.
        let popup = Popup::of(&Notice { number: 0, alert: alert.clone() });
        let shown = self.shown.iter().find(|shown| shown.popup.alerts == popup.alerts)?;
        let differs = (&shown.popup.title, &shown.popup.body) != (&popup.title, &popup.body);
        differs.then_some(popup)
    }

    /// The notices of alerts that are open still, as far as that is known here.
    pub fn open(&self, mut notices: Vec<Notice>) -> Vec<Notice> {
        notices.retain(|notice| !self.ended.contains(&notice.alert.id));
        notices
    }

    /// The desktop is another one: its ids mean something else.
    pub fn clear(&mut self) {
        self.shown.clear();
    }
}

#[cfg(test)]
mod tests {
    use roster_protocol::notice::popups;
    use roster_protocol::{About, ConnectionId, InfluencerId};

    use super::*;
    use crate::samples;

    /// An alert with this id, of the connection with that number.
    fn notice(number: u8, connection: u8) -> Notice {
        let about = About::Connection {
            connection: ConnectionId::from_bytes([connection; 5]),
            influencer: InfluencerId::from_bytes([1; 5]),
            platform: "youtube".into(),
        };
        let alert = Alert { id: id(number), about, ..samples::alert() };
        Notice { number: number.into(), alert }
    }

    fn id(number: u8) -> AlertId {
        AlertId::from_bytes([number; 5])
    }

    #[test]
    fn a_popup_about_the_same_replaces_the_earlier_one() {
        let mut board = Board::default();
        let (first, second, other) = (notice(1, 1), notice(2, 1), notice(3, 2));
        assert_eq!(board.replaced_by(&Popup::of(&first)), 0);
        assert!(board.add(7, Popup::of(&first)).is_empty());
        assert!(board.add(8, Popup::of(&other)).is_empty());
        assert_eq!(board.replaced_by(&Popup::of(&second)), 7);
        assert!(board.add(7, Popup::of(&second)).is_empty());
        assert_eq!((board.alerts_of(7), board.alerts_of(8)), (vec![id(2)], vec![id(3)]));
        // The alert that was replaced is over; the popup is another's now.
        assert_eq!(board.ended(id(1)), None);
        assert_eq!(board.add(9, Popup::of(&first)), [7], "a desktop that keeps both");
    }

    #[test]
    fn summaries_replace_nothing_and_stay_until_all_of_them_ended() {
        let mut board = Board::default();
        let summary = |numbers: std::ops::RangeInclusive<u8>| popups(numbers.map(|n| notice(n, n)).collect()).remove(0);
        board.add(1, summary(1..=4));
        assert_eq!(board.replaced_by(&summary(5..=8)), 0);
        board.add(2, summary(5..=8));
        assert_eq!((1..=3).filter_map(|n| board.ended(id(n))).count(), 0);
        assert_eq!(board.alerts_of(1), [id(4)], "what is left to acknowledge");
        assert_eq!(board.ended(id(4)), Some(1));
        assert_eq!(board.alerts().len(), 4);
    }

    #[test]
    fn what_ended_before_it_was_shown_is_not_shown() {
        let mut board = Board::default();
        assert_eq!(board.ended(id(1)), None);
        let open = board.open(vec![notice(1, 1), notice(2, 2)]);
        assert_eq!(open.iter().map(|notice| notice.number).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn one_that_grows_is_shown_anew_only_when_its_text_differs() {
        let mut board = Board::default();
        let alert = notice(1, 1).alert;
        assert_eq!(board.changed(&alert), None, "it is not on the desktop");
        board.add(7, Popup::of(&notice(1, 1)));
        assert_eq!(board.changed(&alert), None, "the same text");
        let grown = board.changed(&Alert { to: Some(9_000.0), ..alert }).expect("another text");
        assert!(grown.body.contains("9,000"), "{}", grown.body);
        assert_eq!(board.replaced_by(&grown), 7);
        board.closed(7);
        assert_eq!((board.alerts_of(7), board.replaced_by(&grown)), (vec![], 0));
    }

    #[test]
    fn it_stays_small() {
        let mut board = Board::default();
        let mut taken_off = Vec::new();
        for number in 0..120 {
            taken_off.extend(board.add(1000 + u32::from(number), Popup::of(&notice(number, number))));
        }
        assert_eq!(taken_off, (1000..1020).collect::<Vec<_>>());
        board.clear();
        assert!(board.alerts().is_empty());
    }
}
