//! Colours and markers. Colours are those of Okabe and Ito, "Color universal design" (2008), which people with
//! any common colour blindness tell apart; every series also has a marker of its own, for print in grey.

use super::scene::{Color, Marker};

pub(crate) const INK: Color = Color(0x22, 0x22, 0x22);
pub(crate) const MUTED: Color = Color(0x55, 0x55, 0x55);
pub(crate) const GRID: Color = Color(0xE3, 0xE3, 0xE3);
pub(crate) const BAR: Color = Color(0xDD, 0xE4, 0xEA);
pub(crate) const LIMIT: Color = Color(0xD5, 0x5E, 0x00);

/// Yellow is left out: on white it cannot be seen.
const COLORS: [Color; 5] = [
    Color(0x00, 0x72, 0xB2),
    Color(0xE6, 0x9F, 0x00),
    Color(0xCC, 0x79, 0xA7),
    Color(0x00, 0x9E, 0x73),
    Color(0x56, 0xB4, 0xE9),
];

const MARKERS: [Marker; 5] = [
    Marker::Circle,
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Ring,
];

/// The look of a series; 25 series differ in the pair of colour and marker, the first five in both.
pub(crate) fn series(index: usize) -> (Color, Marker) {
    let round = index / COLORS.len();
    (
        COLORS[index % COLORS.len()],
        MARKERS[(index + round) % MARKERS.len()],
    )
}

/// The look of a series wherever it is drawn: 0 is any carrier, c + 1 is carrier c.
pub(crate) fn look(series_index: usize) -> (Color, Marker) {
    match series_index.checked_sub(1) {
        None => (INK, Marker::Tick),
        Some(carrier) => series(carrier),
    }
}
