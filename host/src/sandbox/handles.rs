//! Handles of resources that a guest defines for itself.
//!
//! A resource never crosses to the host. But the components that a guest is composed of may give handles to each other, and
//! any guest may make and drop its own. The tables are the call's: what numbers a call sees is a result of what it does.
//!
//! After the component model's `CanonicalABI.md`: a table per component instance, whose free places are used again, the
//! last one first; lent handles cannot be given away or dropped. What is lent for how long is known to [`Lending`].

use super::host::{Host, charge, is_stopped, stopped, trap};
use super::lending::Lending;
use super::parts::Located;
use super::wasi::check;
use super::{Carried, Room, Stop};
use crate::abi::Look;
use crate::ir::{HandleType, HostFunctionKind, ResourceId};
use std::sync::Arc;
use wasmtime::{AsContextMut, Caller, Linker, Trap, Val};

/// The handles of a sandbox. A guest that makes any after its instances are made is given a fresh one for each call.
#[derive(Default)]
pub(super) struct Handles {
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
struct Handle {
    resource: ResourceId,
    representation: u32,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
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
    pub(super) fn count(&self) -> usize {
        self.tables.iter().map(|table| table.places.iter().flatten().count()).sum()
    }

    fn table(&mut self, component: u32) -> &mut Table {
        let at = component as usize;
        if self.tables.len() <= at {
            self.tables.resize_with(at + 1, Table::default);
        }
        &mut self.tables[at]
    }

    fn insert(&mut self, component: u32, handle: Handle) -> Done<u32> {
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

    fn get(&mut self, ty: HandleType, at: u32) -> Done<&mut Handle> {
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
    fn dropped(&mut self, lending: &mut Lending, ty: HandleType, at: u32) -> Done<Option<u32>> {
        let handle = self.remove(ty, at)?;
        match handle.kind {
            Kind::Own { .. } => Ok(Some(handle.representation)),
            Kind::Borrow { scope } => {
                lending.returned(scope);
                Ok(None)
            }
        }
    }

    fn give(&mut self, at: u32, from: HandleType, to: HandleType) -> Done<u32> {
        let handle = self.remove(from, at)?;
        if let Kind::Borrow { .. } = handle.kind {
            return Err(trap(format!("handle {at} is borrowed, and cannot be given away")));
        }
        self.insert(to.component, handle)
    }

    fn lend(&mut self, lending: &mut Lending, at: u32, from: HandleType, to: HandleType) -> Done<u32> {
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
    pub(super) fn take(&mut self, ty: HandleType, at: u32) -> Done<u32> {
        match self.remove(ty, at)? {
            Handle { kind: Kind::Own { .. }, representation, .. } => Ok(representation),
            _ => Err(trap("a constructor gave a handle that it had borrowed")),
        }
    }

    /// What a method is given for the resource that it is called on: a handle, or what is behind it in the component
    /// that defines the resource. What it borrows, it has until [`Handles::exit`].
    pub(super) fn receiver(
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
    pub(super) fn exit(&mut self, lending: &mut Lending) -> Done<()> {
        for (component, at) in lending.exit()?.lent {
            let place = self.table(component).places.get_mut(at as usize - 1);
            if let Some(Some(Handle { kind: Kind::Own { lent }, .. })) = place {
                *lent = lent.saturating_sub(1);
            }
        }
        Ok(())
    }
}

/// Defines a function of the host's, if it is one about handles or between a guest's own components.
pub(super) fn define<D: Carried>(linker: &mut Linker<Room<D>>, name: (&str, &str), host: &Host) -> Done<bool> {
    let (module, name) = name;
    let ty = host.ty.clone();
    let number = |params: &[Val], at: usize| params.get(at).and_then(Val::i32).unwrap_or_default().cast_unsigned();
    let set = |results: &mut [Val], value: u32| {
        if let Some(result) = results.first_mut() {
            *result = Val::I32(value.cast_signed());
        }
    };
    match &host.what {
        HostFunctionKind::Fork(_)
        | HostFunctionKind::Wait { .. }
        | HostFunctionKind::Abandon(_)
        | HostFunctionKind::Wasi(_)
        | HostFunctionKind::NoReturn(_) => return Ok(false),
        HostFunctionKind::NewHandle(handle) => {
            let (handle, host) = (*handle, host.clone());
            linker.func_new(module, name, ty, move |mut caller, params, results| {
                host.may_leave(&mut caller)?;
                let representation = number(params, 0);
                let own = Handle { resource: handle.resource, representation, kind: Kind::Own { lent: 0 } };
                set(results, caller.data_mut().handles.insert(handle.component, own)?);
                Ok(())
            })?;
        }
        HostFunctionKind::Representation(handle) => {
            let handle = *handle;
            linker.func_new(module, name, ty, move |mut caller, params, results| {
                set(results, caller.data_mut().handles.get(handle, number(params, 0))?.representation);
                Ok(())
            })?;
        }
        HostFunctionKind::DropHandle(handle) => {
            let (handle, located, host) = (*handle, host.located(), host.clone());
            let Some(destructor) = host.destructor else {
                linker.func_new(module, name, ty, move |mut caller, params, _| {
                    host.may_leave(&mut caller)?;
                    let Room { handles, call, .. } = caller.data_mut();
                    handles.dropped(call.lending(), handle, number(params, 0)).map(drop)
                })?;
                return Ok(true);
            };
            let may_wait = host.may_wait;
            let find = move |caller: &mut Caller<'_, Room<D>>, params: &[Val], located: &Option<Arc<Located>>| {
                host.may_leave(caller)?;
                let Room { handles, call, .. } = caller.data_mut();
                let Some(representation) = handles.dropped(call.lending(), handle, number(params, 0))? else {
                    return Ok(None);
                };
                let function = located.as_ref().and_then(|l| l.function(caller.as_context_mut(), destructor));
                let function = function.ok_or_else(|| trap("a destructor that is not there"))?;
                caller.data_mut().call.lending().destroy()?;
                Ok::<_, wasmtime::Error>(Some((function, [Val::I32(representation.cast_signed())])))
            };
            if may_wait {
                let find = Arc::new(find);
                linker.func_new_async(module, name, ty, move |mut caller, params, _| {
                    let (located, find) = (located.clone(), find.clone());
                    Box::new(async move {
                        if let Some((function, args)) = find(&mut caller, params, &located)? {
                            function.call_async(&mut caller, &args, &mut []).await?;
                            caller.data_mut().call.lending().destroyed();
                        }
                        Ok(())
                    })
                })?;
            } else {
                linker.func_new(module, name, ty, move |mut caller, params, _| {
                    if let Some((function, args)) = find(&mut caller, params, &located)? {
                        function.call(&mut caller, &args, &mut [])?;
                        caller.data_mut().call.lending().destroyed();
                    }
                    Ok(())
                })?;
            }
        }
        HostFunctionKind::TransferOwn(types) | HostFunctionKind::TransferBorrow(types) => {
            let (types, lend) = (types.clone(), matches!(host.what, HostFunctionKind::TransferBorrow(_)));
            linker.func_new(module, name, ty, move |mut caller, params, results| {
                let at = number(params, 0);
                let ty = |at| types.get(number(params, at) as usize).copied().ok_or_else(|| trap("no such resource"));
                let (from, to) = (ty(1)?, ty(2)?);
                if let ResourceId::Future(link) = from.resource {
                    caller.data().carried.check_future(link, at).map_err(Stop)?;
                }
                if let ResourceId::Wasi(resource) = from.resource {
                    check(resource, at)?;
                }
                let Room { handles, call, .. } = caller.data_mut();
                let given = match from.resource {
                    // Handles of WASI are the same everywhere, and nothing is kept of them.
                    ResourceId::Wasi(_) => at,
                    // Futures are numbered by the call, for all its components.
                    ResourceId::Future(_) if lend => {
                        call.lending().lend_future(at)?;
                        at
                    }
                    ResourceId::Future(_) => at,
                    ResourceId::Own { .. } if lend => handles.lend(call.lending(), at, from, to)?,
                    ResourceId::Own { .. } => handles.give(at, from, to)?,
                };
                set(results, given);
                Ok(())
            })?;
        }
        HostFunctionKind::Enter => {
            linker.func_new(module, name, ty, |mut caller, _, _| {
                caller.data_mut().call.lending().enter();
                Ok(())
            })?;
        }
        HostFunctionKind::Exit => {
            linker.func_new(module, name, ty, |mut caller, _, _| {
                let Room { handles, call, .. } = caller.data_mut();
                handles.exit(call.lending())
            })?;
        }
        HostFunctionKind::Trap => {
            linker.func_new(module, name, ty, move |_, params, _| {
                let why = u8::try_from(number(params, 0)).ok().and_then(Trap::from_u8).map(|trap| trap.to_string());
                let why = why.as_deref().map_or("a trap", |why| why.strip_prefix("wasm trap: ").unwrap_or(why));
                Err(trap(format!("one component of the guest called another against the canonical ABI: {why}")))
            })?;
        }
        HostFunctionKind::CopyUtf8 { .. } => {
            let host = host.clone();
            linker.func_new(module, name, ty, move |mut caller, params, _| {
                let (from, len, to) =
                    (number(params, 0) as usize, number(params, 1) as usize, number(params, 2) as usize);
                charge(&mut caller, len)?;
                let (source, target) = host.memories.ok_or_else(|| trap("a memory that is not there"))?;
                let source = host.memory(&mut caller, source)?;
                let bytes = from.checked_add(len).and_then(|end| host.own(source.data(&caller)).get(from..end));
                let bytes = bytes.ok_or_else(|| trap("a string beyond the end of its memory"))?;
                let carried = &caller.data().carried;
                let has_stopped = || is_stopped(carried);
                let mut text = String::with_capacity(len);
                match Look::new(&has_stopped).text(bytes, |part| text.push_str(part)) {
                    Ok(true) => {}
                    Ok(false) => {
                        return Err(trap("one component of the guest gave another a string that is not valid UTF-8"));
                    }
                    Err(_) => return Err(stopped(carried)),
                }
                let target = host.memory(&mut caller, target)?;
                let (memory, room) = target.data_and_store_mut(&mut caller);
                let has_stopped = || is_stopped(&room.carried);
                let memory = host.own_mut(memory, [(to as u32, len)]);
                let place = to.checked_add(len).and_then(|end| memory.get_mut(to..end));
                let place = place.ok_or_else(|| trap("a string beyond the end of its memory"))?;
                let copied = Look::new(&has_stopped).copy(place, text.as_bytes());
                copied.map_err(|_| stopped(&room.carried))
            })?;
        }
    }
    Ok(true)
}
