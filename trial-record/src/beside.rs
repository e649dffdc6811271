use crate::words::words;

words! {
    /// What people ask for in a file besides its picture and its proof.
    pub enum Beside {
        /// Camera, model or date in EXIF.
        Exif = "exif",
        /// The place in EXIF.
        Location = "location",
        /// Any property of the XMP packet.
        Xmp = "xmp",
        /// The IPTC-IIM record.
        Iptc = "iptc",
        /// The colour profile, byte for byte.
        Icc = "icc",
        /// All text of a PNG outside XMP.
        PngText = "png-text",
        /// The caption, in IPTC, XMP, EXIF or PNG text.
        Caption = "caption",
        /// Whom the picture is from, in the same places.
        Credit = "credit",
        /// The copyright notice, in the same places.
        Copyright = "copyright",
        /// The text for those who do not see the picture, in XMP.
        AltText = "alt-text",
    }
}

impl Beside {
    /// Several as the text of a row: words in the order of [`Beside::ALL`], `, ` between them.
    pub fn joined(items: &[Self]) -> String {
        let words = Self::ALL.iter().filter(|one| items.contains(one));
        let words: Vec<&str> = words.map(|one| one.as_str()).collect();
        words.join(", ")
    }

    /// The opposite; `None` where a word names nothing.
    pub fn split(text: &str) -> Option<Vec<Self>> {
        let words = text.split(", ").filter(|word| !word.is_empty());
        words.map(Self::parse).collect()
    }
}
