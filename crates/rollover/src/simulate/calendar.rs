//! A calendar queue: who is due in which tick. Putting, moving and taking cost the same however many wait.

/// No tick.
const NONE: u32 = u32::MAX;

/// Items `0..items`, each of them due in one of the ticks `0..ticks` or in none.
///
/// Each tick has its list, and each item knows its tick: whoever is moved stays in the old list, where nobody looks
/// for it any more. Nothing is compared and nothing is sorted. A heap of a million spends its time waiting for memory.
#[derive(Clone, Debug)]
pub struct Calendar {
    lists: Vec<Vec<u32>>,
    /// In which tick each item is due.
    due: Vec<u32>,
}

impl Calendar {
    /// For so many items and ticks.
    #[must_use]
    pub fn new(items: u32, ticks: u32) -> Self {
        Self { lists: vec![Vec::new(); index(ticks)], due: vec![NONE; index(items)] }
    }

    /// `item` is due in `tick`, and in no other tick any more. After the last tick is never.
    pub fn put(&mut self, item: u32, tick: u32) {
        let Some(due) = self.due.get_mut(index(item)).filter(|due| **due != tick) else { return };
        match self.lists.get_mut(index(tick)) {
            Some(list) => {
                *due = tick;
                list.push(item);
            }
            None => *due = NONE,
        }
    }

    /// `item` is not due any more.
    pub fn remove(&mut self, item: u32) {
        if let Some(due) = self.due.get_mut(index(item)) {
            *due = NONE;
        }
    }

    /// Takes out all that are due in `tick`, those put first first, and adds them to `into`.
    pub fn take(&mut self, tick: u32, into: &mut Vec<u32>) {
        let Some(list) = self.lists.get_mut(index(tick)) else { return };
        for item in std::mem::take(list) {
            if let Some(due) = self.due.get_mut(index(item)).filter(|due| **due == tick) {
                *due = NONE;
                into.push(item);
            }
        }
    }
}

/// Where it stands in an array.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Against a map, over a fixed sequence that looks like drawn by lot.
    #[test]
    fn it_holds_what_a_map_of_ticks_holds() {
        const ITEMS: u32 = 50;
        const TICKS: u32 = 20;
        let mut calendar = Calendar::new(ITEMS, TICKS);
        let mut model = BTreeMap::new();
        let mut number = 1_u64;
        let mut draw = |below: u32| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(number >> 33).unwrap() % below
        };
        for _ in 0..20_000 {
            let (item, tick) = (draw(ITEMS), draw(TICKS + 2));
            match draw(4) {
                0 => {
                    calendar.remove(item);
                    model.remove(&item);
                }
                1 => {
                    let mut due = Vec::new();
                    calendar.take(tick, &mut due);
                    due.sort_unstable();
                    let expected: Vec<u32> =
                        model.iter().filter(|&(_, &at)| at == tick).map(|(&item, _)| item).collect();
                    assert_eq!(due, expected);
                    model.retain(|_, &mut at| at != tick);
                }
                _ => {
                    calendar.put(item, tick);
                    model.insert(item, tick);
                    model.retain(|_, &mut at| at < TICKS);
                }
            }
        }
        assert!(!model.is_empty());
    }
}
