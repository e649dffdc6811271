use crate::words::words;

words! {
    /// How well an image took a carrier when it was signed.
    pub enum Embedded {
        /// As it should.
        Carried = "carried",
        /// With little reserve: it may be lost early.
        Fragile = "fragile",
        /// Not at all: the image has no room for it, or it was not wanted.
        Refused = "refused",
    }
}
