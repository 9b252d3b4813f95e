//! The columns of the roster: which there are, which are shown, and how wide. Pure.

use roster_protocol::SortBy;

use crate::remembered::Remembered;

/// A column of the roster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Name,
    Platforms,
    Followers,
    Total,
    Day,
    Week,
    Month,
    Line,
    Engagement,
    Synced,
    Alerts,
    Tags,
    Note,
}

/// What a column is, wherever it is shown.
struct Row {
    field: Field,
    /// Its name in the file and on the command line.
    word: &'static str,
    title: &'static str,
    about: &'static str,
    width: u16,
    right: bool,
    sort: Option<SortBy>,
    /// Screens narrower than this do without it, unless the user chose.
    from: u16,
}

const fn left(field: Field, word: &'static str, title: &'static str, about: &'static str, width: u16) -> Row {
    Row { field, word, title, about, width, right: false, sort: None, from: 0 }
}

const fn right(field: Field, word: &'static str, title: &'static str, about: &'static str, width: u16) -> Row {
    Row { right: true, ..left(field, word, title, about, width) }
}

/// In the order of the screen.
const TABLE: [Row; 13] = [
    Row { sort: Some(SortBy::Name), ..left(Field::Name, "name", "NAME", "who it is", 21) },
    Row { from: 64, ..left(Field::Platforms, "platforms", "PLATFORMS", "accounts, each with its state", 14) },
    Row { sort: Some(SortBy::Followers), ..right(Field::Followers, "followers", "MAIN FLW", "of the main account", 9) },
    Row {
        sort: Some(SortBy::Total),
        from: 100,
        ..right(Field::Total, "total", "TOTAL", "followers of all accounts", 9)
    },
    Row { sort: Some(SortBy::Growth1), from: WIDE, ..right(Field::Day, "growth1", "1 D ", "growth in a day", 7) },
    Row { sort: Some(SortBy::Growth7), from: 50, ..right(Field::Week, "growth7", "7 D ", "growth in 7 days", 7) },
    Row { sort: Some(SortBy::Growth), ..right(Field::Month, "growth30", "30 D ", "growth in 30 days", 7) },
    Row { from: 110, ..left(Field::Line, "line", "30 DAYS", "followers over 30 days, as a line", LINE) },
    Row {
        sort: Some(SortBy::Engagement),
        from: 60,
        ..right(Field::Engagement, "engagement", "ENG", "engagement rate", 5)
    },
    Row { sort: Some(SortBy::Synced), from: 56, ..right(Field::Synced, "synced", "SYNCED", "how long ago", 6) },
    left(Field::Alerts, "alerts", "", "! where an alert is open", 1),
    Row { from: WIDE, ..left(Field::Tags, "tags", "TAGS", "its tags", 24) },
    Row { from: 190, ..left(Field::Note, "note", "NOTE", "what was written about it", 30) },
];

/// Columns of the line of the last 30 days: two days each.
pub const LINE: u16 = 15;

/// From here on names and platforms have room, and there is some left.
pub const WIDE: u16 = 160;

/// What is left out first where the chosen ones do not fit.
const LEFT_OUT: [Field; 11] = {
    use Field as F;
    [
        F::Note,
        F::Tags,
        F::Line,
        F::Day,
        F::Total,
        F::Engagement,
        F::Week,
        F::Synced,
        F::Platforms,
        F::Followers,
        F::Month,
    ]
};

/// Where text begins, and what is between columns.
const MARGIN: u16 = 3;

/// The narrowest and the widest that a column is made.
const WIDTHS: std::ops::RangeInclusive<u16> = 1..=120;

impl Field {
    /// Every column, in the order of the screen.
    pub fn all() -> impl Iterator<Item = Field> {
        TABLE.iter().map(|row| row.field)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    pub fn word(self) -> &'static str {
        self.row().word
    }

    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// What it shows, for the choice.
    pub fn about(self) -> &'static str {
        self.row().about
    }

    /// Whether its content ends at the right.
    pub fn is_right(self) -> bool {
        self.row().right
    }

    /// The order by it.
    pub fn sort(self) -> Option<SortBy> {
        self.row().sort
    }

    /// How wide it is where nothing was chosen.
    fn built_in(self, screen: u16, exact: bool) -> u16 {
        match self {
            Field::Name if screen >= WIDE => 38,
            Field::Platforms if screen >= WIDE => 27,
            Field::Followers | Field::Total if exact => 13,
            field => field.row().width,
        }
    }
}

/// The columns on a screen of this width, each with its own; a width of 0 takes what is left.
pub fn shown(remembered: &Remembered, screen: u16, exact: bool, sort: SortBy) -> Vec<(Field, u16)> {
    let is_chosen = !remembered.columns.is_empty();
    let wanted = |field: &Field| match field {
        Field::Name => true,
        field if is_chosen => remembered.columns.iter().any(|word| word == field.word()),
        // Where there is room for one of them, it is the one that the order is by.
        Field::Followers if sort == SortBy::Total => screen >= Field::Total.row().from,
        Field::Total if sort == SortBy::Total => true,
        field => screen >= field.row().from,
    };
    let width = |field: Field| {
        let own = remembered.widths.get(field.word()).copied();
        (field, own.unwrap_or_else(|| field.built_in(screen, exact)).clamp(*WIDTHS.start(), *WIDTHS.end()))
    };
    let mut columns: Vec<(Field, u16)> = Field::all().filter(wanted).map(width).collect();
    let taken = |columns: &[(Field, u16)]| MARGIN + columns.iter().map(|(_, width)| width + 1).sum::<u16>();
    for field in LEFT_OUT {
        // The built-in ones fit, and the name gets what is left.
        if !is_chosen && remembered.widths.is_empty() || taken(&columns) <= screen {
            break;
        }
        columns.retain(|(shown, _)| *shown != field);
    }
    // What has no end gets the rest: a note, or else tags, or else the name.
    let rest = columns.iter().rposition(|(field, _)| matches!(field, Field::Note | Field::Tags)).unwrap_or(0);
    if let Some((_, width)) = columns.get_mut(rest) {
        *width = 0;
    }
    columns
}

/// Shows a column, or leaves it out. The name stays.
pub fn toggle(remembered: &mut Remembered, field: Field, now: &[(Field, u16)]) {
    if remembered.columns.is_empty() {
        remembered.columns = now.iter().map(|(field, _)| field.word().to_owned()).collect();
    }
    let is_shown = remembered.columns.iter().any(|word| word == field.word());
    remembered.columns.retain(|word| word != field.word());
    if !is_shown || field == Field::Name {
        remembered.columns.push(field.word().to_owned());
    }
}

/// Makes a column wider or narrower.
pub fn widen(remembered: &mut Remembered, field: Field, screen: u16, exact: bool, by: i16) {
    let built_in = field.built_in(screen, exact);
    let width = remembered.widths.entry(field.word().to_owned()).or_insert(built_in);
    *width = width.saturating_add_signed(by).clamp(*WIDTHS.start(), *WIDTHS.end());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(remembered: &Remembered, screen: u16) -> String {
        let shown = shown(remembered, screen, false, SortBy::Followers);
        shown.iter().map(|(field, width)| format!("{}:{width}", field.word())).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_table_has_every_column_at_its_place() {
        for (index, field) in Field::all().enumerate() {
            assert_eq!(field as usize, index, "{field:?}");
        }
        for sort in SortBy::ALL {
            assert_eq!(Field::all().filter(|field| field.sort() == Some(sort)).count(), 1, "{sort:?}");
        }
    }

    #[test]
    fn what_is_not_chosen_follows_the_width() {
        let built_in = Remembered::default();
        assert_eq!(words(&built_in, 40), "name:0 followers:9 growth30:7 alerts:1");
        let small = "name:0 platforms:14 followers:9 growth7:7 growth30:7 engagement:5 synced:6 alerts:1";
        assert_eq!(words(&built_in, 80), small);
        let total = shown(&built_in, 80, false, SortBy::Total);
        assert!(total.contains(&(Field::Total, 9)) && !total.iter().any(|(field, _)| *field == Field::Followers));
        assert!(words(&built_in, 200).ends_with("alerts:1 tags:24 note:0"));
    }

    #[test]
    fn what_is_chosen_is_shown_as_far_as_it_fits() {
        let mut chosen = Remembered::default();
        let built_in = shown(&chosen, 80, false, SortBy::Followers);
        toggle(&mut chosen, Field::Engagement, &built_in);
        toggle(&mut chosen, Field::Tags, &[]);
        toggle(&mut chosen, Field::Name, &[]);
        let wide = "name:38 platforms:27 followers:9 growth7:7 growth30:7 synced:6 alerts:1 tags:0";
        assert_eq!(words(&chosen, 200), wide);
        let small = "name:0 platforms:14 followers:9 growth7:7 growth30:7 synced:6 alerts:1";
        assert_eq!(words(&chosen, 80), small, "tags have no room");
        assert_eq!(words(&chosen, 40), "name:0 growth30:7 alerts:1");
        widen(&mut chosen, Field::Followers, 80, false, 4);
        widen(&mut chosen, Field::Month, 80, false, -99);
        assert!(words(&chosen, 200).contains("followers:13 growth7:7 growth30:1"));
    }

    #[test]
    fn odd_words_and_widths_do_no_harm() {
        let mut odd = Remembered::default();
        odd.columns.push("\u{1b}[2J".to_owned());
        odd.widths.insert("name".to_owned(), u16::MAX);
        odd.widths.insert("followers".to_owned(), 0);
        for screen in [0, 1, 40, u16::MAX] {
            assert!(shown(&odd, screen, true, SortBy::Name).iter().all(|(_, width)| *width <= 120));
        }
    }
}
