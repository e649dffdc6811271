//! Enums whose variants are words in files.

/// Declares an enum with one word for each variant: its list, both directions, and serde by the word.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            /// Every one, in the order of their declaration.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word in files and reports.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The one that a word names; `None` for a word that names none.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&word).ok_or_else(|| serde::de::Error::unknown_variant(&word, &[$($word),+]))
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::{Beside, CarrierPlace, Contract, Embedded, Outcome, Provenance, State, Trial};

    #[test]
    fn every_word_leads_back_to_its_variant_and_no_other_word_does() {
        fn check<T>(all: &[T], word: fn(T) -> &'static str, parse: fn(&str) -> Option<T>)
        where
            T: Copy + PartialEq + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
        {
            for (place, one) in all.iter().enumerate() {
                assert_eq!(parse(word(*one)), Some(*one));
                let json = serde_json::to_string(one).unwrap();
                assert_eq!(json, format!("{:?}", word(*one)));
                assert_eq!(serde_json::from_str::<T>(&json).unwrap(), *one);
                let same = all.iter().position(|other| word(*other) == word(*one));
                assert_eq!(same, Some(place), "{one:?} shares its word");
            }
            assert_eq!(parse(""), None);
            let error = serde_json::from_str::<T>("\"nonsense\"").unwrap_err();
            assert!(error.to_string().contains(word(all[0])), "{error}");
        }
        check(&Trial::ALL, Trial::as_str, Trial::parse);
        check(&Outcome::ALL, Outcome::as_str, Outcome::parse);
        check(&State::ALL, State::as_str, State::parse);
        check(&Contract::ALL, Contract::as_str, Contract::parse);
        check(&Embedded::ALL, Embedded::as_str, Embedded::parse);
        check(&Provenance::ALL, Provenance::as_str, Provenance::parse);
        check(&Beside::ALL, Beside::as_str, Beside::parse);
        check(
            &CarrierPlace::ALL,
            CarrierPlace::as_str,
            CarrierPlace::parse,
        );
    }
}
