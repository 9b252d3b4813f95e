//! The words of enums, in JSON, config and on the command line.

/// Gives an enum its words: `ALL`, `as_str`, `Display` and `FromStr`. The second argument is what an error calls it.
macro_rules! words {
    ($name:ident, $what:literal: $($variant:ident = $word:literal),+) => {
        impl $name {
            /// Every one.
            pub const ALL: [$name; [$($name::$variant),+].len()] = [$($name::$variant),+];

            /// The word in JSON, config and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::metric::UnknownName;

            fn from_str(text: &str) -> Result<Self, $crate::metric::UnknownName> {
                let named = Self::ALL.into_iter().find(|one| one.as_str() == text);
                named.ok_or_else(|| {
                    $crate::metric::UnknownName::new($what, text, Self::ALL.map(Self::as_str).join(", "))
                })
            }
        }
    };
}

pub(crate) use words;
