//! Handles of resources that a guest defines for itself.
//!
//! A resource never crosses to the host. But the components that a guest is composed of may give handles to each other, and
//! any guest may make and drop its own. The tables are the call's: what numbers a call sees is a result of what it does.
//!
//! After the component model's `CanonicalABI.md`: a table per component instance, whose free places are used again, the
//! last one first; lent handles cannot be given away or dropped. What is lent for how long is known to [`Lending`].

use super::Lending;
use crate::ir::{HandleType, ResourceId};
use crate::sandbox::error::trap;

/// The handles of a sandbox. A guest that makes any after its instances are made is given a fresh one for each call.
#[derive(Default)]
pub(crate) struct Handles {
    tables: Vec<Table>,
    /// Places in all tables: what they take is not given back before the call ends.
    places: usize,
}

/// The handles of one component instance, from 1.
#[derive(Default)]
struct Table {
    places: Vec<Option<Handle>>,
    free: Vec<u32>,
}

#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) resource: ResourceId,
    pub(crate) representation: u32,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Owns its resource, and was lent so many times.
    Own { lent: u32 },
    /// Borrowed for the call of this scope.
    Borrow { scope: usize },
}

/// The most handles of one call.
const MOST: usize = 1 << 20;

type Done<T> = wasmtime::Result<T>;

impl Handles {
    /// How many handles there are.
    pub(crate) fn count(&self) -> usize {
        self.tables.iter().map(|table| table.places.iter().flatten().count()).sum()
    }

    fn table(&mut self, component: u32) -> &mut Table {
        let at = component as usize;
        if self.tables.len() <= at {
            self.tables.resize_with(at + 1, Table::default);
        }
        &mut self.tables[at]
    }

    pub(crate) fn insert(&mut self, component: u32, handle: Handle) -> Done<u32> {
        let places = self.places;
        let table = self.table(component);
        if let Some(at) = table.free.pop() {
            table.places[at as usize - 1] = Some(handle);
            return Ok(at);
        }
        if places >= MOST {
            return Err(trap(format!("the guest has more than {MOST} handles of its own resources")));
        }
        table.places.push(Some(handle));
        let at = table.places.len() as u32;
        self.places += 1;
        Ok(at)
    }

    pub(crate) fn get(&mut self, ty: HandleType, at: u32) -> Done<&mut Handle> {
        let place = (at as usize).checked_sub(1).and_then(|at| self.table(ty.component).places.get_mut(at));
        match place {
            Some(Some(handle)) if handle.resource == ty.resource => Ok(handle),
            Some(Some(_)) => Err(trap(format!("handle {at} is of another resource"))),
            _ => Err(trap(format!("{at} is no handle"))),
        }
    }

    fn remove(&mut self, ty: HandleType, at: u32) -> Done<Handle> {
        if let Kind::Own { lent: 1.. } = self.get(ty, at)?.kind {
            return Err(trap(format!("handle {at} is lent, and cannot be given away or dropped meanwhile")));
        }
        let table = self.table(ty.component);
        table.free.push(at);
        table.places[at as usize - 1].take().ok_or_else(|| trap(format!("{at} is no handle")))
    }

    /// Drops a handle; returns what is to be destroyed, if it owned that.
    pub(crate) fn dropped(&mut self, lending: &mut Lending, ty: HandleType, at: u32) -> Done<Option<u32>> {
        let handle = self.remove(ty, at)?;
        match handle.kind {
            Kind::Own { .. } => Ok(Some(handle.representation)),
            Kind::Borrow { scope } => {
                lending.returned(scope);
                Ok(None)
            }
        }
    }

    pub(crate) fn give(&mut self, at: u32, from: HandleType, to: HandleType) -> Done<u32> {
        let handle = self.remove(from, at)?;
        if let Kind::Borrow { .. } = handle.kind {
            return Err(trap(format!("handle {at} is borrowed, and cannot be given away")));
        }
        self.insert(to.component, handle)
    }

    pub(crate) fn lend(&mut self, lending: &mut Lending, at: u32, from: HandleType, to: HandleType) -> Done<u32> {
        let (number, scope) = lending.innermost().ok_or_else(|| trap("a handle is lent outside of a call"))?;
        let handle = self.get(from, at)?;
        let representation = handle.representation;
        if let Kind::Own { lent } = &mut handle.kind {
            *lent += 1;
            scope.lent.push((from.component, at));
        }
        // The component that defines a resource is shown what is behind the handle.
        if let ResourceId::Own { component, .. } = to.resource
            && component == to.component
        {
            return Ok(representation);
        }
        scope.borrow();
        let kind = Kind::Borrow { scope: number };
        self.insert(to.component, Handle { resource: to.resource, representation, kind })
    }

    /// Takes the handle that a constructor gave out of the guest; returns what is behind it.
    pub(crate) fn take(&mut self, ty: HandleType, at: u32) -> Done<u32> {
        match self.remove(ty, at)? {
            Handle { kind: Kind::Own { .. }, representation, .. } => Ok(representation),
            _ => Err(trap("a constructor gave a handle that it had borrowed")),
        }
    }

    /// What a method is given for the resource that it is called on: a handle, or what is behind it in the component
    /// that defines the resource. What it borrows, it has until [`Handles::exit`].
    pub(crate) fn receiver(
        &mut self,
        lending: &mut Lending,
        ty: HandleType,
        representation: u32,
        owned: bool,
    ) -> Done<u32> {
        let number = lending.enter();
        let kind = match ty.resource {
            _ if owned => Kind::Own { lent: 0 },
            ResourceId::Own { component, .. } if component == ty.component => return Ok(representation),
            _ => {
                if let Some((_, scope)) = lending.innermost() {
                    scope.borrow();
                }
                Kind::Borrow { scope: number }
            }
        };
        self.insert(ty.component, Handle { resource: ty.resource, representation, kind })
    }

    /// The component that was called last returns: what it was lent can be given away again.
    pub(crate) fn exit(&mut self, lending: &mut Lending) -> Done<()> {
        for (component, at) in lending.exit()?.lent {
            let place = self.table(component).places.get_mut(at as usize - 1);
            if let Some(Some(Handle { kind: Kind::Own { lent }, .. })) = place {
                *lent = lent.saturating_sub(1);
            }
        }
        Ok(())
    }
}
