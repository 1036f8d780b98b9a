//! Things that many spans share, counted by how many of the store's own entries use them.
//!
//! Reference counts of `Arc` would not do: readers hold clones for a while, and what the store counts as its own must
//! not depend on who happens to read.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Numbered places; a number is used again once its place is free.
#[derive(Debug)]
pub(super) struct Pool<T> {
    places: Vec<Option<Place<T>>>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    value: T,
    uses: u32,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Pool<T> {
    /// Puts a value into a free place; nothing uses it yet.
    pub(super) fn put(&mut self, value: T) -> u32 {
        let place = Some(Place { value, uses: 0 });
        if let Some(free) = self.free.pop() {
            self.places[free as usize] = place;
            return free;
        }
        self.places.push(place);
        (self.places.len() - 1) as u32
    }

    /// The value in a place.
    pub(super) fn get(&self, number: u32) -> &T {
        &self.place(number).value
    }

    /// Counts one more use.
    pub(super) fn hold(&mut self, number: u32) {
        self.place_mut(number).uses += 1;
    }

    /// Counts one use less, and gives back the value when that was the last.
    pub(super) fn release(&mut self, number: u32) -> Option<T> {
        let place = self.place_mut(number);
        place.uses -= 1;
        if place.uses > 0 {
            return None;
        }
        self.free.push(number);
        self.places[number as usize].take().map(|place| place.value)
    }

    fn place(&self, number: u32) -> &Place<T> {
        self.places[number as usize]
            .as_ref()
            .expect("a number is only kept by what counts as its use")
    }

    fn place_mut(&mut self, number: u32) -> &mut Place<T> {
        self.places[number as usize]
            .as_mut()
            .expect("a number is only kept by what counts as its use")
    }
}

/// A [`Pool`] that holds equal values once.
#[derive(Debug)]
pub(super) struct Interner<T> {
    pool: Pool<Arc<T>>,
    numbers: HashMap<Arc<T>, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self {
            pool: Pool::default(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Hash + Eq> Interner<T> {
    /// The number of a value, and whether it is new here; a new one is not used by anything yet.
    pub(super) fn intern(&mut self, value: T) -> (u32, bool) {
        if let Some(number) = self.numbers.get(&value) {
            return (*number, false);
        }
        let value = Arc::new(value);
        let number = self.pool.put(value.clone());
        self.numbers.insert(value, number);
        (number, true)
    }

    /// The value of a number.
    pub(super) fn get(&self, number: u32) -> &Arc<T> {
        self.pool.get(number)
    }

    /// Counts one more use.
    pub(super) fn hold(&mut self, number: u32) {
        self.pool.hold(number);
    }

    /// Counts one use less, and forgets the value when that was the last.
    pub(super) fn release(&mut self, number: u32) -> Option<Arc<T>> {
        let value = self.pool.release(number)?;
        self.numbers.remove(&value);
        Some(value)
    }
}
