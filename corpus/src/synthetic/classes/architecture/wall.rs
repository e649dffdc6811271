//! A wall in perspective: which point of the picture a point of the wall is.

use crate::synthetic::paint::exact::lerp;
use crate::synthetic::paint::polygon::Point;

/// A wall seen in perspective: x and heights (top and bottom) at its left and right end.
#[derive(Clone, Copy)]
pub(super) struct Wall {
    pub(super) left: (f32, f32, f32),
    pub(super) right: (f32, f32, f32),
}

impl Wall {
    /// The canvas point at (s, t) of the wall, both 0 to 1, from its top left corner. The apparent height
    /// is inverse to distance, which gives the foreshortening along s.
    pub(super) fn at(&self, s: f32, t: f32) -> Point {
        let near = (self.left.2 - self.left.1).max(1.0);
        let far = (self.right.2 - self.right.1).max(1.0);
        let p = s * near / lerp(far, near, s).max(1.0);
        let p = if near > far {
            s * far / lerp(near, far, s)
        } else {
            p.min(1.0)
        };
        let p = if (near - far).abs() < 1.0 { s } else { p };
        let x = lerp(self.left.0, self.right.0, p);
        let top = lerp(self.left.1, self.right.1, p);
        let bottom = lerp(self.left.2, self.right.2, p);
        (x, lerp(top, bottom, t))
    }

    /// The corners of a rectangle of the wall.
    pub(super) fn patch(&self, s0: f32, s1: f32, t0: f32, t1: f32) -> [Point; 4] {
        [
            self.at(s0, t0),
            self.at(s1, t0),
            self.at(s1, t1),
            self.at(s0, t1),
        ]
    }
}
