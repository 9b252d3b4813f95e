//! Words that invented influencers are named and described with. No part of it names a real person.

use super::noise::{draw, pick};

/// A subject that influencers post about.
#[derive(Clone, Copy)]
pub struct Topic {
    /// As a team would tag it.
    pub tag: &'static str,
    /// As it follows a name: "… Bakes".
    pub suffix: &'static str,
    pub emoji: &'static str,
    pub about: &'static str,
}

/// A name, as displayed and as it fits into a handle.
pub struct Name {
    pub given: String,
    pub family: String,
    pub plain_given: String,
    pub plain_family: String,
}

const fn topic(tag: &'static str, suffix: &'static str, emoji: &'static str, about: &'static str) -> Topic {
    Topic { tag, suffix, emoji, about }
}

pub const TOPICS: &[Topic] = &[
    topic("beauty", "Glow", "💄", "Skin first, colour second."),
    topic("food", "Bakes", "🧁", "Recipes that survive a small kitchen."),
    topic("travel", "Wanders", "🧭", "Slow trains and long ways round."),
    topic("fitness", "Moves", "🏃", "Strength for people with desks."),
    topic("gaming", "Plays", "🎮", "Old games, new tricks."),
    topic("music", "Sings", "🎧", "One take, no edits."),
    topic("tech", "Tinkers", "🔧", "Things with wires, explained."),
    topic("books", "Reads", "📚", "A book a week, honestly."),
    topic("fashion", "Wears", "🧵", "Mended, swapped and worn again."),
    topic("science", "Asks", "🔭", "Small experiments, large questions."),
    topic("outdoors", "Climbs", "⛰️", "Weather permitting."),
    topic("home", "Builds", "🪴", "Shelves, plants, and how not to."),
    topic("comedy", "Jokes", "🎭", "Sketches from the stairwell."),
    topic("family", "At Home", "🧸", "Three children, one camera."),
];

/// Team words beside the subject.
pub const EXTRA_TAGS: &[&str] = &["spring", "ambassador", "trial", "priority", "gifted"];

/// Where invented Mastodon accounts live; the last one responds with nothing but errors.
pub const HOSTS: &[&str] =
    &["plaza.example", "studio.example", "kitchen.example", "trail.example", "arcade.example", "loom.example"];
pub const FAILING_HOST: &str = "attic.example";

const GIVEN_HEADS: &[(&str, &str)] = &[
    ("Vel", "vel"),
    ("Or", "or"),
    ("Tam", "tam"),
    ("Bri", "bri"),
    ("Zan", "zan"),
    ("Mio", "mio"),
    ("Kev", "kev"),
    ("Lum", "lum"),
    ("Fen", "fen"),
    ("Sab", "sab"),
    ("Iro", "iro"),
    ("Jax", "jax"),
    ("Nyl", "nyl"),
    ("Ösk", "osk"),
    ("Pel", "pel"),
    ("Qui", "qui"),
    ("Rov", "rov"),
    ("Séf", "sef"),
    ("Thi", "thi"),
    ("Ulv", "ulv"),
];
const GIVEN_TAILS: &[&str] =
    &["imra", "evek", "olo", "isha", "adri", "uwen", "ynix", "onora", "eris", "ubel", "atan", "ivve", "uzia", "oquo"];
const FAMILY_HEADS: &[(&str, &str)] = &[
    ("Quen", "quen"),
    ("Vard", "vard"),
    ("Ossi", "ossi"),
    ("Thrim", "thrim"),
    ("Balt", "balt"),
    ("Çorv", "corv"),
    ("Drae", "drae"),
    ("Elk", "elk"),
    ("Fjør", "fjor"),
    ("Gral", "gral"),
    ("Hesk", "hesk"),
    ("Ilm", "ilm"),
    ("Jask", "jask"),
    ("Korb", "korb"),
    ("Mür", "mur"),
    ("Nost", "nost"),
];
const FAMILY_TAILS: &[&str] =
    &["adane", "imere", "owick", "aquist", "enova", "oander", "iley", "estou", "abrack", "iveil"];

/// The name drawn from a seed: one of some 45,000.
pub fn name(seed: u64) -> Name {
    let (given, plain_given) = pick(GIVEN_HEADS, draw(seed, 1));
    let (family, plain_family) = pick(FAMILY_HEADS, draw(seed, 2));
    let (given_tail, family_tail) = (pick(GIVEN_TAILS, draw(seed, 3)), pick(FAMILY_TAILS, draw(seed, 4)));
    Name {
        given: format!("{given}{given_tail}"),
        family: format!("{family}{family_tail}"),
        plain_given: format!("{plain_given}{given_tail}"),
        plain_family: format!("{plain_family}{family_tail}"),
    }
}

/// A handle's stem, in one of the usual shapes.
pub fn stem(name: &Name, topic: Topic, seed: u64) -> String {
    let suffix = topic.suffix.to_lowercase().replace(' ', "");
    match draw(seed, 5) % 4 {
        0 => format!("{}{}", name.plain_given, name.plain_family),
        1 => format!("{}-{suffix}", name.plain_given),
        2 => format!("the{}{}", name.plain_given, name.plain_family),
        _ => format!("{}{suffix}", name.plain_given),
    }
}

/// The description above the posts, in one of the usual shapes.
pub fn display_name(name: &Name, topic: Topic, drawn: u64) -> String {
    let Name { given, family, .. } = name;
    match drawn % 4 {
        0 => format!("{given} {} {}", topic.suffix, topic.emoji),
        1 => format!("{given} {} {family}", topic.emoji),
        _ => format!("{given} {family}"),
    }
}
