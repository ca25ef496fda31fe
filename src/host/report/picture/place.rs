//! Labels that do not overlap: beside points in the plane, and stacked at a plot's edge.

use super::canvas::{Point, count};

/// A rectangle in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patch {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Patch {
    /// The rectangle around a point.
    pub(super) fn around((x, y): Point, reach: f64) -> Self {
        Self { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }
    }

    /// The left end of a text in it, at half its height.
    pub(super) fn start(&self) -> Point {
        (self.left, f64::midpoint(self.top, self.bottom))
    }

    /// The point on its edge that is nearest to another.
    pub(super) fn nearest(&self, (x, y): Point) -> Point {
        (x.clamp(self.left, self.right), y.clamp(self.top, self.bottom))
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    fn within(&self, outer: &Self) -> bool {
        self.left >= outer.left && self.right <= outer.right && self.top >= outer.top && self.bottom <= outer.bottom
    }
}

/// Finds room for a label of `size` near `point`: right of it if that is free, then around it, then farther away, up to
/// `reach` pixels.
pub(super) fn beside(point: Point, size: Point, taken: &[Patch], bounds: &Patch, reach: f64) -> Option<Patch> {
    // Eighths of a turn, the pleasing ones first.
    const DIRECTIONS: [(f64, f64); 8] =
        [(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8)];
    let free = |patch: &Patch| patch.within(bounds) && !taken.iter().any(|other| other.overlaps(patch));
    let distances = std::iter::successors(Some(8.0), |distance| Some(distance + 6.0));
    distances
        .take_while(|distance| *distance <= reach)
        .find_map(|distance| DIRECTIONS.iter().map(|direction| at(point, size, *direction, distance)).find(free))
}

/// Shifts heights as little as needed for `gap` between them; nothing where they do not fit between `low` and `high`.
pub(super) fn stack(wanted: &[f64], gap: f64, low: f64, high: f64) -> Option<Vec<f64>> {
    if count(wanted.len().saturating_sub(1)) * gap > high - low {
        return None;
    }
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // Neighbours that are too near become one group around the mean of what they wanted: (members, its first height).
    let mut groups: Vec<(Vec<usize>, f64)> = Vec::new();
    for index in order {
        groups.push((vec![index], wanted[index].clamp(low, high)));
        while let [.., (before, first), (after, second)] = groups.as_mut_slice()
            && *first + gap * count(before.len()) > *second
        {
            let shift = gap * count(before.len());
            let weights = (count(before.len()), count(after.len()));
            before.append(after);
            let middle = (*first * weights.0 + (*second - shift) * weights.1) / (weights.0 + weights.1);
            *first = middle.clamp(low, (high - gap * count(before.len() - 1)).max(low));
            groups.pop();
        }
    }
    let mut heights = vec![0.0; wanted.len()];
    for (members, first) in groups {
        for (place, index) in members.into_iter().enumerate() {
            heights[index] = first + gap * count(place);
        }
    }
    Some(heights)
}

fn at((x, y): Point, (width, height): Point, (dx, dy): (f64, f64), distance: f64) -> Patch {
    let left = match dx {
        dx if dx > 0.0 => x + dx * distance,
        dx if dx < 0.0 => x + dx * distance - width,
        _ => x - width / 2.0,
    };
    let middle = y + dy * (distance + height / 2.0 - 2.0);
    Patch { left, top: middle - height / 2.0, right: left + width, bottom: middle + height / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_move_only_as_far_as_they_must() {
        assert_eq!(stack(&[10.0, 50.0], 12.0, 0.0, 100.0), Some(vec![10.0, 50.0]));
        assert_eq!(stack(&[52.0, 50.0, 51.0], 10.0, 0.0, 100.0), Some(vec![61.0, 41.0, 51.0]));
        assert_eq!(stack(&[0.0, 0.0], 10.0, 0.0, 100.0), Some(vec![0.0, 10.0]));
        assert_eq!(stack(&[99.0, 99.0], 10.0, 0.0, 100.0), Some(vec![90.0, 100.0]));
        assert_eq!(stack(&[1.0, 2.0, 3.0], 10.0, 0.0, 15.0), None);
    }

    #[test]
    fn labels_find_a_free_side_or_none() {
        let bounds = Patch { left: 0.0, top: 0.0, right: 200.0, bottom: 100.0 };
        let first = beside((100.0, 50.0), (40.0, 12.0), &[], &bounds, 60.0).unwrap();
        let second = beside((100.0, 50.0), (40.0, 12.0), &[first], &bounds, 60.0).unwrap();
        assert!(first.left > 100.0 && second.right < 100.0 && !first.overlaps(&second));
        assert!(beside((100.0, 50.0), (40.0, 12.0), &[bounds], &bounds, 60.0).is_none());
    }
}
