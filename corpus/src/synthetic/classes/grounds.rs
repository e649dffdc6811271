//! Colours of land, which several classes share.

/// Dark and light of what grows or lies on the ground.
pub(super) const GROUNDS: [[u32; 2]; 9] = [
    [0x2C4018, 0x86A048],
    [0x4A5A20, 0xB8B060],
    [0x6A4A2C, 0xC8A878],
    [0x8A7A58, 0xE2D4B0],
    [0x50504C, 0xA8A49C],
    [0x3C4A2A, 0x7A8A58],
    [0xB8C4D4, 0xF8FAFF],
    [0x5A3A30, 0xB87858],
    [0x6A6A28, 0xE0C850],
];
