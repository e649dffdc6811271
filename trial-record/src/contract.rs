use crate::words::words;

words! {
    /// What a pipeline promises of every image, checked on every op of a run.
    pub enum Contract {
        /// The received file is the signed file, byte for byte.
        ByteExact = "byte-exact",
        /// Decoded pixels are the same (colours under full transparency aside) and all metadata is gone.
        PixelExactStripped = "pixel-exact-stripped",
        /// Neither the picture nor any metadata is left, so that nothing can lead to a proof.
        NothingLeft = "nothing-left",
    }
}
