//! An exported function of a component, as the host calls it: the core function behind it, and for a method what makes its
//! resource.

use std::collections::HashMap;

use wasmtime_environ::component::{CoreDef, InterfaceType, OptionsIndex, TypeFunc, TypeFuncIndex};

use super::instances::{Instances, Unsupported};
use super::types::convert;
use crate::ir::{CoreFunction, FunctionDef, Item, Receiver, ResourceId, Write, wasi};
use crate::value::Type;

/// The most core values that parameters are passed in; more are passed in memory.
const MAX_FLAT_PARAMS: usize = wasmtime_environ::component::MAX_FLAT_PARAMS;

/// A core function that a component lifts.
#[derive(Clone, Copy)]
pub(super) struct Lifted<'a> {
    pub(super) ty: TypeFuncIndex,
    pub(super) core: &'a CoreDef,
    pub(super) options: OptionsIndex,
}

/// The constructors of exported resources, by their full names.
pub(super) type Constructors<'a> = HashMap<String, Lifted<'a>>;

impl Instances<'_> {
    /// A function that the host can call; or why it cannot.
    pub(super) fn callable(
        &self,
        name: &str,
        Lifted { ty, core, options }: Lifted<'_>,
        constructors: &Constructors<'_>,
    ) -> Result<Result<FunctionDef, String>, Unsupported> {
        let function = &self.types[ty];
        if function.async_ {
            return Ok(Err("it is asynchronous".to_owned()));
        }
        let CoreDef::Export(_) = core else {
            return Ok(Err("it is imported, and so nothing outside of a call".to_owned()));
        };
        let all = &self.types[function.params].types;
        let (receiver, skipped) = match self.receiver(name, all.first(), constructors)? {
            Some(Ok(receiver)) => (Some(receiver), 1),
            Some(Err(why)) => return Ok(Err(why)),
            None => (None, 0),
        };
        let params = match self.params(function, skipped) {
            Ok(params) => params,
            Err(what) => return Ok(Err(format!("it takes {what}, which the host cannot give"))),
        };
        let results = match self.results(function) {
            Ok(results) => results,
            Err(what) => return Ok(Err(format!("it returns {what}, which ends with the call"))),
        };
        let core = self.core_function(core, options)?;
        let part = self.part(&core.export);
        let leaves = part.is_none_or(|part| part.leaves) || core.helpers_leave;
        let mut def = FunctionDef {
            name: name.to_owned(),
            index: part.map_or(u32::MAX, |part| part.index),
            stateless: self.stateless(&core, &params),
            param_names: function.param_names.iter().skip(skipped).cloned().collect(),
            params,
            results,
            can_fork: leaves && !self.links.is_empty(),
            forks: Vec::new(),
            program: false,
            core,
            receiver: None,
        };
        if let Some((receiver, made)) = receiver {
            // Whatever the constructor does, and what the handle's end does, belongs to the call.
            def.can_fork = !self.links.is_empty();
            def.stateless = Err(Write::of("it makes a resource"));
            def.receiver = Some(receiver);
            made.put_before(&mut def);
        }
        if def.can_fork {
            def.forks = self.links.iter().map(|link| link.name.clone()).collect();
        }
        if self.may.has_wasi()
            && wasi::is_run(name)
            && def.params.is_empty()
            && def.results == [Type::result(None, None)]
        {
            def.make_program();
        }
        Ok(Ok(def))
    }

    fn params(&self, function: &TypeFunc, skipped: usize) -> Result<Vec<Type>, &'static str> {
        self.types[function.params].types.iter().skip(skipped).map(|ty| convert(self.types, ty)).collect()
    }

    fn results(&self, function: &TypeFunc) -> Result<Vec<Type>, &'static str> {
        self.types[function.results].types.iter().map(|ty| convert(self.types, ty)).collect()
    }

    fn core_function(&self, core: &CoreDef, options: OptionsIndex) -> Result<CoreFunction, Unsupported> {
        let export = self.item(core)?;
        let (options, canon) = self.canon(options)?;
        let (params, results) = self.core_type(options.core_type)?;
        let post_return = options.post_return.and_then(|post| self.post_returns.get(&post).cloned());
        let helpers_leave = self.leaves(canon.realloc.as_ref()) || self.leaves(post_return.as_ref());
        let frees = self.frees(&export).filter(|_| post_return.is_none());
        Ok(CoreFunction { export, params, results, canon: Some(canon), post_return, frees, helpers_leave })
    }

    /// What the bindings of the SDK for Rust have to free the results of a function: no `post_return`, as it is not called so.
    fn frees(&self, export: &Item) -> Option<Item> {
        let name = export.name.strip_prefix("cm32p2||")?;
        let frees = Item { instance: export.instance, name: format!("cm32p2||cabi_post_{name}") };
        self.part(&frees).filter(|part| !part.leaves).map(|_| frees.clone())
    }

    fn stateless(&self, core: &CoreFunction, params: &[Type]) -> Result<(), Write> {
        let part = self.part(&core.export).filter(|part| !part.leaves);
        let part = part.ok_or_else(|| Write::of("it can reach other modules, or fork"))?;
        part.stateless.clone()?;
        // The core function has one parameter where more than fit on the stack are passed in memory.
        let flat: usize = params.iter().map(Type::flat_count).sum();
        if flat > MAX_FLAT_PARAMS || params.iter().any(Type::has_memory) {
            return Err(Write::of("its arguments are written to memory"));
        }
        match &core.post_return {
            None => Ok(()),
            Some(post) => match self.part(post) {
                Some(part) if !part.leaves => part.stateless.clone(),
                _ => Err(Write::of("its result has to be freed")),
            },
        }
    }

    /// For a method: what it is called on, and the parameters of the constructor that makes that; or why there is none.
    #[allow(clippy::type_complexity)]
    fn receiver(
        &self,
        name: &str,
        first: Option<&InterfaceType>,
        constructors: &Constructors<'_>,
    ) -> Result<Option<Result<(Receiver, Made), String>>, Unsupported> {
        let (taken, owned) = match first {
            Some(InterfaceType::Own(table)) => (table, true),
            Some(InterfaceType::Borrow(table)) => (table, false),
            _ => return Ok(None),
        };
        let Some((prefix, method)) = name.rsplit_once("[method]") else { return Ok(None) };
        let resource = method.split('.').next().unwrap_or_default();
        let Some(&Lifted { ty, core, options }) = constructors.get(&format!("{prefix}[constructor]{resource}")) else {
            return Ok(Some(Err("its resource has no constructor, so that the host cannot make one".to_owned())));
        };
        let function = &self.types[ty];
        let [InterfaceType::Own(given)] = &*self.types[function.results].types else {
            return Ok(Some(Err("its resource's constructor may fail, and the host cannot make one".to_owned())));
        };
        let params = match self.params(function, 0) {
            Ok(params) => params,
            Err(what) => return Ok(Some(Err(format!("its resource's constructor takes {what}")))),
        };
        let (given, taken) = (self.handle_type(*given)?, self.handle_type(*taken)?);
        if !matches!(given.resource, ResourceId::Own { .. }) || matches!(core, CoreDef::Trampoline(_)) {
            return Ok(Some(Err("its resource is not the guest's own".to_owned())));
        }
        let constructor = self.core_function(core, options)?;
        let made = Made { names: function.param_names.clone(), types: params };
        Ok(Some(Ok((Receiver { constructor, params: made.types.len(), given, taken, owned }, made))))
    }
}

/// What a resource is made of: its constructor's parameters.
struct Made {
    names: Vec<String>,
    types: Vec<Type>,
}

impl Made {
    /// Makes them a method's first; a name that both have is told apart by the resource's.
    fn put_before(self, method: &mut FunctionDef) {
        let resource = method.name.rsplit(']').next().and_then(|item| item.split('.').next()).unwrap_or("self");
        let own = &method.param_names;
        let apart = |name| if own.contains(&name) { format!("{resource}-{name}") } else { name };
        let names: Vec<_> = self.names.into_iter().map(apart).collect();
        method.param_names.splice(0..0, names);
        method.params.splice(0..0, self.types);
    }
}
