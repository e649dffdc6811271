//! Numbers that recipes may hold: each type accepts its range and nothing else, so that a recipe with an
//! impossible number is refused while it is parsed, with the line and column of the number.

use serde::Deserialize;

macro_rules! ranged {
    ($(#[$doc:meta])* $name:ident($wire:ty), $low:expr, $high:expr, $what:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize)]
        #[serde(try_from = "f64")]
        pub struct $name($wire);

        impl $name {
            /// The number itself.
            #[must_use]
            pub const fn get(self) -> $wire {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = String;
            fn try_from(value: f64) -> Result<Self, String> {
                // The cast loses nothing where the round trip gives the number back; fractions are refused this way.
                if ($low..=$high).contains(&value) && f64::from(value as $wire) == value {
                    Ok(Self(value as $wire))
                } else {
                    Err(format!("{value} is not {}", $what))
                }
            }
        }
    };
}

ranged!(
    /// An encoder quality, 0 to 100, in the scale of the encoder named beside it.
    Quality(u8), 0.0, 100.0, "a whole quality from 0 to 100"
);
ranged!(
    /// A length in pixels, 1 to 65,535.
    Side(u16), 1.0, 65535.0, "a whole number of pixels from 1 to 65535"
);
ranged!(
    /// An area in pixels, 1 to 4e9.
    Area(u32), 1.0, 4.0e9, "a whole number of pixels from 1 to 4000000000"
);
ranged!(
    /// A size in bytes, 1 to 4e9.
    Bytes(u32), 1.0, 4.0e9, "a whole number of bytes from 1 to 4000000000"
);
ranged!(
    /// A share of an edge or of a size, 0 up to and including 1.
    Share(f64), 0.0, 1.0, "a share from 0 to 1"
);
ranged!(
    /// A factor above 0, up to 16.
    Factor(f64), 1.0e-3, 16.0, "a factor from 0.001 to 16"
);
ranged!(
    /// An effort or speed level, 0 to 10, in the scale of the tool named beside it.
    Level(u8), 0.0, 10.0, "a whole level from 0 to 10"
);
ranged!(
    /// A number of palette colours, 2 to 256.
    Colours(u16), 2.0, 256.0, "a whole number of colours from 2 to 256"
);
ranged!(
    /// A number of repetitions, 1 to 100.
    Times(u8), 1.0, 100.0, "a whole number of times from 1 to 100"
);
ranged!(
    /// An 8-bit colour component.
    Component(u8), 0.0, 255.0, "a whole colour component from 0 to 255"
);

ranged!(
    /// An entry of an 8-bit quantisation table, 1 to 255.
    Divisor(u16), 1.0, 255.0, "a whole divisor from 1 to 255"
);
ranged!(
    /// A seed of pseudo-random numbers, 0 to 4e9.
    Seed(u32), 0.0, 4.0e9, "a whole seed from 0 to 4000000000"
);
ranged!(
    /// An angle in degrees, -360 to 360, clockwise where positive.
    Degrees(f64), -360.0, 360.0, "an angle from -360 to 360 degrees"
);
ranged!(
    /// A share with a sign, -1 to 1.
    Signed(f64), -1.0, 1.0, "a number from -1 to 1"
);
ranged!(
    /// The side of a square window in pixels, 1 to 31.
    Window(u8), 1.0, 31.0, "a whole number of pixels from 1 to 31"
);
ranged!(
    /// A time limit in seconds, 1 to 3600.
    Seconds(u16), 1.0, 3600.0, "a whole number of seconds from 1 to 3600"
);
ranged!(
    /// A time in milliseconds, 0 to 60,000.
    Millis(u16), 0.0, 60000.0, "a whole number of milliseconds from 0 to 60000"
);
ranged!(
    /// A length in pixels that may be nothing, 0 to 65,535.
    Margin(u16), 0.0, 65535.0, "a whole number of pixels from 0 to 65535"
);

/// An opaque sRGB colour, written as `[red, green, blue]`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Colour(Component, Component, Component);

impl Colour {
    /// Red, green and blue, 0 to 255.
    #[must_use]
    pub const fn rgb(self) -> [u8; 3] {
        [self.0.get(), self.1.get(), self.2.get()]
    }
}
