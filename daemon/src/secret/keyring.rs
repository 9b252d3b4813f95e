//! The master keys of one source: the first seals, and all of them open.

use std::fmt;

use super::vault::{KeyId, MasterKey};

/// The most keys of one source: more are a mistake.
const MOST: usize = 16;

/// One master key or several, the one that seals first.
pub struct Keyring(Vec<MasterKey>);

impl Keyring {
    /// A ring of one key.
    pub fn of(key: MasterKey) -> Self {
        Self(vec![key])
    }

    /// The keys in a text, of 64 hexadecimal digits each, with blanks, line ends or commas between them.
    ///
    /// # Errors
    /// When there is none, too many, one twice, or something else; the words are free of what was read.
    pub fn read(text: &str) -> Result<Self, String> {
        let words = text.split(|sign: char| sign == ',' || sign.is_whitespace()).filter(|word| !word.is_empty());
        let keys: Option<Vec<MasterKey>> = words.map(MasterKey::from_hex).collect();
        keys.filter(|keys| !keys.is_empty()).map(Self::checked).unwrap_or_else(|| Err(NO_KEY.to_owned()))
    }

    /// A ring of these keys.
    ///
    /// # Errors
    /// As [`Keyring::read`].
    pub fn checked(keys: Vec<MasterKey>) -> Result<Self, String> {
        let ids: Vec<KeyId> = keys.iter().map(MasterKey::id).collect();
        if let Some((_, twice)) = ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id)) {
            return Err(format!("it has the key {twice} twice"));
        }
        match keys.len() {
            0 => Err(NO_KEY.to_owned()),
            1..=MOST => Ok(Self(keys)),
            many => Err(format!("it has {many} keys, and {MOST} are the most")),
        }
    }

    /// The id of the key that seals.
    pub fn sealing(&self) -> KeyId {
        self.0[0].id()
    }

    pub fn keys(&self) -> &[MasterKey] {
        &self.0
    }

    pub fn ids(&self) -> Vec<KeyId> {
        self.0.iter().map(MasterKey::id).collect()
    }

    pub fn has(&self, id: KeyId) -> bool {
        self.0.iter().any(|key| key.id() == id)
    }

    /// The same ring with another key that seals from now on.
    ///
    /// # Errors
    /// When it has too many keys.
    pub fn with_first(mut self, key: MasterKey) -> Result<Self, String> {
        self.0.insert(0, key);
        Self::checked(self.0)
    }

    /// The same ring without a key; `None` when nothing else is left.
    pub fn without(mut self, id: KeyId) -> Option<Self> {
        self.0.retain(|key| key.id() != id);
        (!self.0.is_empty()).then_some(self)
    }
}

const NO_KEY: &str = "it is not 64 hexadecimal digits, a key a line";

/// The ids of several keys, for a sentence.
pub struct Named<'a>(pub &'a [KeyId]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, id) in self.0.iter().enumerate() {
            let between = if at == 0 { "" } else { ", " };
            write!(f, "{between}{id}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    fn id(digit: char) -> KeyId {
        MasterKey::from_hex(&key(digit)).expect("a key").id()
    }

    fn read(text: &str) -> Result<Vec<KeyId>, String> {
        Keyring::read(text).map(|ring| ring.ids())
    }

    #[test]
    fn the_first_key_seals_and_each_is_there_once() {
        assert_eq!(read(&key('1')), Ok(vec![id('1')]));
        assert_eq!(read(&format!("{}\n{}\n", key('2'), key('1'))), Ok(vec![id('2'), id('1')]));
        assert_eq!(read(&format!("  {},{}\r\n\n", key('A'), key('1'))), Ok(vec![id('a'), id('1')]));
        for nothing in ["", " \n", "short", &key('1')[1..], &format!("{}\nshort", key('1'))] {
            assert_eq!(read(nothing), Err(NO_KEY.to_owned()), "{nothing:?}");
        }
        assert_eq!(read(&format!("{0} {0}", key('1'))), Err(format!("it has the key {} twice", id('1'))));
        let many: Vec<String> = (0..=MOST).map(|number| format!("{number:064x}")).collect();
        assert!(read(&many.join("\n")).is_err_and(|why| why.starts_with("it has 17 keys")));
        assert_eq!(read(&many[1..].join("\n")).map(|ids| ids.len()), Ok(MOST));
    }

    #[test]
    fn a_ring_gets_a_first_key_and_loses_one() {
        let ring = Keyring::read(&key('1')).expect("a key");
        let ring = ring.with_first(MasterKey::from_hex(&key('2')).expect("a key")).expect("two");
        assert_eq!((ring.sealing(), ring.has(id('1')), ring.has(id('3'))), (id('2'), true, false));
        assert_eq!(Named(&ring.ids()).to_string(), format!("{}, {}", id('2'), id('1')));
        let ring = ring.without(id('1')).expect("one");
        assert_eq!(ring.ids(), [id('2')]);
        assert!(ring.without(id('2')).is_none());
    }
}
