//! Where recipes begin to make pictures smaller: sizes on either side tell whether the service does the same.

use std::collections::BTreeSet;

use credlink_transforms::recipe::Recipe;
use credlink_transforms::recipe::step::Step;

/// The largest side that is looked at, pixels.
const MOST: u32 = 6000;
/// The shapes that are looked at, width to height: what bounds the long side and what bounds the width differ in them.
const SHAPES: [(u32, u32); 3] = [(4, 3), (3, 4), (1, 1)];

/// The long sides at which some recipe begins to resize, in any shape, ascending; none below 64 pixels.
pub(super) fn of(recipes: &[&Recipe]) -> Vec<u32> {
    let mut found = BTreeSet::new();
    for recipe in recipes {
        for (_, step) in &recipe.steps {
            if let Step::Resize(resize) = step {
                let limits = SHAPES.map(|shape| {
                    limit(&|side| {
                        let (width, height) = sized(shape, side);
                        let (across, down) = resize.target(width, height);
                        across >= width && down >= height
                    })
                });
                found.extend(limits.into_iter().flatten());
            }
            let links = step.links().iter().map(|link| &**link);
            found.extend(of(&links.collect::<Vec<_>>()));
        }
    }
    found.into_iter().filter(|side| *side >= 64).collect()
}

/// Width and height of a shape with this long side.
pub(super) fn sized((across, down): (u32, u32), long: u32) -> (u32, u32) {
    let longer = across.max(down);
    let side = |of: u32| {
        (f64::from(long) * f64::from(of) / f64::from(longer))
            .round()
            .max(1.0) as u32
    };
    (side(across), side(down))
}

/// The largest long side that is not made smaller; `None` where none is, or all are.
fn limit(is_kept: &dyn Fn(u32) -> bool) -> Option<u32> {
    // What is kept or enlarged up to a size is made smaller beyond it, or a rule is no limit.
    let (mut low, mut high) = (16, MOST);
    if !is_kept(low) || is_kept(high) {
        return None;
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if is_kept(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use credlink_transforms::catalogue::Catalogue;

    use super::*;

    #[test]
    fn the_limits_are_those_that_the_recipes_state() {
        let catalogue = Catalogue::embedded().unwrap();
        let of = |id: &str| of(&[&**catalogue.get(id).unwrap()]);
        assert!(
            of("social/bluesky").contains(&1000),
            "{:?}",
            of("social/bluesky")
        );
        assert!(of("messaging/whatsapp").contains(&1600));
        // A width is reached at another long side in each shape.
        assert!(of("social/instagram").is_empty() || of("social/instagram").len() > 1);
        assert!(of("controls/identity").is_empty());
    }
}
