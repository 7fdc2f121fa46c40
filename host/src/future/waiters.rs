//! Who waits for one result, in the order in which they came.
//!
//! Each has a place of its own, and leaves it in one step, however many wait: a future that is pending for a year may be asked for
//! by millions who give up.

use std::num::NonZeroUsize;
use std::task::Waker;
use std::thread::Thread;

/// One who waits.
pub(super) enum Waiter {
    Thread(Thread),
    Waker(Waker),
    Callback(Box<dyn FnOnce() + Send>),
}

/// Those who wait. Most futures have one, or none.
#[derive(Default)]
pub(super) enum Waiters {
    #[default]
    None,
    /// In the place that would be the first of many.
    One(Waiter),
    Many(Box<List>),
}

/// Somebody's place among those who wait: theirs until they leave it, or are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(NonZeroUsize);

/// Many who wait: a list linked both ways, whose entries lie in places.
pub(super) struct List {
    places: Vec<Entry>,
    first: Option<Place>,
    last: Option<Place>,
    /// A place that nobody has; the entry there names the next such.
    free: Option<Place>,
    waiting: usize,
}

struct Entry {
    /// None in a place that nobody has.
    waiter: Option<Waiter>,
    before: Option<Place>,
    behind: Option<Place>,
}

impl Place {
    const FIRST: Place = Place(NonZeroUsize::MIN);

    fn nth(index: usize) -> Place {
        Place(NonZeroUsize::MIN.saturating_add(index))
    }

    fn index(self) -> usize {
        self.0.get() - 1
    }
}

impl Waiters {
    /// Adds one behind all others.
    pub(super) fn add(&mut self, waiter: Waiter) -> Place {
        match std::mem::take(self) {
            Waiters::None => {
                *self = Waiters::One(waiter);
                Place::FIRST
            }
            Waiters::One(first) => {
                let mut list = Box::new(List { places: Vec::new(), first: None, last: None, free: None, waiting: 0 });
                list.add(first);
                let place = list.add(waiter);
                *self = Waiters::Many(list);
                place
            }
            Waiters::Many(mut list) => {
                let place = list.add(waiter);
                *self = Waiters::Many(list);
                place
            }
        }
    }

    /// Who waits in a place.
    pub(super) fn at(&mut self, place: Place) -> Option<&mut Waiter> {
        match self {
            Waiters::None => None,
            Waiters::One(waiter) => (place == Place::FIRST).then_some(waiter),
            Waiters::Many(list) => list.places.get_mut(place.index())?.waiter.as_mut(),
        }
    }

    /// Takes out who waits in a place, to be dropped outside of all locks; none once all were told.
    pub(super) fn remove(&mut self, place: Place) -> Option<Waiter> {
        match self {
            Waiters::One(_) if place == Place::FIRST => match std::mem::take(self) {
                Waiters::One(waiter) => Some(waiter),
                _ => None,
            },
            Waiters::Many(list) => {
                let waiter = list.remove(place);
                if list.waiting == 0 {
                    *self = Waiters::None;
                }
                waiter
            }
            _ => None,
        }
    }

    /// Gives each to `tell`, in the order in which they came.
    pub(super) fn each(self, mut tell: impl FnMut(Waiter)) {
        match self {
            Waiters::None => {}
            Waiters::One(waiter) => tell(waiter),
            Waiters::Many(mut list) => {
                let mut next = list.first;
                while let Some(place) = next {
                    let entry = &mut list.places[place.index()];
                    next = entry.behind;
                    if let Some(waiter) = entry.waiter.take() {
                        tell(waiter);
                    }
                }
            }
        }
    }
}

impl List {
    fn add(&mut self, waiter: Waiter) -> Place {
        let entry = Entry { waiter: Some(waiter), before: self.last, behind: None };
        let place = match self.free {
            Some(place) => {
                self.free = std::mem::replace(&mut self.places[place.index()], entry).behind;
                place
            }
            None => {
                self.places.push(entry);
                Place::nth(self.places.len() - 1)
            }
        };
        match self.last.replace(place) {
            Some(last) => self.places[last.index()].behind = Some(place),
            None => self.first = Some(place),
        }
        self.waiting += 1;
        place
    }

    fn remove(&mut self, place: Place) -> Option<Waiter> {
        let entry = self.places.get_mut(place.index())?;
        let waiter = entry.waiter.take()?;
        let (before, behind) = (entry.before, std::mem::replace(&mut entry.behind, self.free));
        self.free = Some(place);
        match before {
            Some(before) => self.places[before.index()].behind = behind,
            None => self.first = behind,
        }
        match behind {
            Some(behind) => self.places[behind.index()].before = before,
            None => self.last = before,
        }
        self.waiting -= 1;
        Some(waiter)
    }
}

impl Waiter {
    pub(super) fn tell(self) {
        match self {
            Waiter::Thread(thread) => thread.unpark(),
            Waiter::Waker(waker) => waker.wake(),
            Waiter::Callback(callback) => callback(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::sync::{Arc, Mutex};

    proptest! {
        /// Whatever comes and goes: who is left is told, in the order in which they came; and no more places are made than are
        /// taken at a time.
        #[test]
        fn those_who_have_not_left_are_told_in_order(steps in vec(any::<(bool, u16)>(), 0..300)) {
            let told = Arc::new(Mutex::new(Vec::new()));
            let mut waiters = Waiters::default();
            let mut here: Vec<(usize, Place)> = Vec::new();
            let mut most = 0;
            for (number, (comes, which)) in steps.into_iter().enumerate() {
                if comes || here.is_empty() {
                    let told = told.clone();
                    let place = waiters.add(Waiter::Callback(Box::new(move || told.lock().unwrap().push(number))));
                    prop_assert!(here.iter().all(|(_, other)| *other != place), "two have one place");
                    here.push((number, place));
                } else {
                    let (_, place) = here.remove(usize::from(which) % here.len());
                    prop_assert!(waiters.at(place).is_some());
                    prop_assert!(waiters.remove(place).is_some());
                    prop_assert!(waiters.at(place).is_none() && waiters.remove(place).is_none());
                }
                most = most.max(here.len());
                match &waiters {
                    Waiters::None => prop_assert!(here.is_empty()),
                    Waiters::One(_) => prop_assert_eq!(here.len(), 1),
                    Waiters::Many(list) => {
                        prop_assert_eq!(here.len(), list.waiting);
                        prop_assert!(list.places.len() <= most);
                    }
                }
            }
            waiters.each(Waiter::tell);
            let left: Vec<usize> = here.into_iter().map(|(number, _)| number).collect();
            prop_assert_eq!(&*told.lock().unwrap(), &left);
        }
    }
}
