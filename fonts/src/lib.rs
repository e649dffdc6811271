//! The two fonts that plots, captions and synthetic documents are drawn with, as bytes: text looks the same on every machine,
//! and no system font library is needed. Their licences lie beside them in `files/`.

/// Hack, a typeface for source code (MIT and Bitstream Vera licences): the words of synthetic terminals.
pub const HACK_REGULAR: &[u8] = include_bytes!("../files/Hack-Regular.ttf");

/// Ubuntu Light (Ubuntu font licence): everything else.
pub const UBUNTU_LIGHT: &[u8] = include_bytes!("../files/Ubuntu-Light.ttf");
