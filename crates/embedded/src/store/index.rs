//! Finds a trace's number by its id, in eight bytes for each trace.
//!
//! The id itself is on the shelf already; here are 32 bits of its hash, which nearly always decide alone, and the
//! lower half of the number. So growing never looks at the traces, and a new id is new without looking at one.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Bytes that one trace takes here: the table is at least seven sixteenths full, and has a byte of its own for each.
pub(super) const COST: usize = (size_of::<Slot>() + 1) * 3 / 2;

/// A trace's keyed hash: senders choose ids, and must not be able to choose where they land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdHash(u32);

/// Makes hashes; clones make the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Hasher(RandomState);

impl Hasher {
    pub(super) fn hash(&self, id: &[u8; 16]) -> IdHash {
        IdHash(self.0.hash_one(id) as u32)
    }
}

impl IdHash {
    /// The table takes the place from the lower bits and a first comparison from the upper ones.
    const fn spread(self) -> u64 {
        (self.0 as u64) << 32 | self.0 as u64
    }
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: IdHash,
    number: u32,
}

/// Numbers of traces by the hash of their ids. Callers say whether a number's trace is the one.
#[derive(Debug, Default)]
pub(super) struct Index(HashTable<Slot>);

impl Index {
    pub(super) fn find(&self, hash: IdHash, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let slot = self
            .0
            .find(hash.spread(), |slot| slot.hash == hash && is_it(slot.number));
        slot.map(|slot| slot.number)
    }

    /// The number that is there, or `None` after this one was put there.
    pub(super) fn find_or_put(
        &mut self,
        hash: IdHash,
        number: u32,
        mut is_it: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        let is_it = |slot: &Slot| slot.hash == hash && is_it(slot.number);
        match self.0.entry(hash.spread(), is_it, |slot| slot.hash.spread()) {
            Entry::Occupied(slot) => Some(slot.get().number),
            Entry::Vacant(place) => {
                place.insert(Slot { hash, number });
                None
            }
        }
    }

    pub(super) fn remove(&mut self, hash: IdHash, number: u32) {
        if let Ok(slot) = self.0.find_entry(hash.spread(), |slot| slot.number == number) {
            slot.remove();
        }
    }
}
